"""Files that are no tables, or not such as one reads: each is refused by one message, and before it is read."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from recloser.validation import BadInputError
from recloser.validation.files import check_size
from recloser.validation.table import read_any_table


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """A good Parquet file."""
    path = tmp_path / "good.parquet"
    pd.DataFrame({"a": range(1000)}).to_parquet(path)
    return path


def test_a_good_file_is_accepted(parquet: Path) -> None:
    """And its rows can be bounded."""
    check_size(parquet, most_rows=1000)
    with pytest.raises(BadInputError, match="1000 rows; at most 999"):
        check_size(parquet, most_rows=999)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_a_truncated_parquet_file_is_refused(parquet: Path, share: float) -> None:
    """Wherever it ends."""
    content = parquet.read_bytes()
    parquet.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BadInputError, match="truncated|empty|no Parquet file"):
        check_size(parquet, most_rows=10**6)


def test_a_parquet_file_with_a_damaged_footer_is_refused(parquet: Path) -> None:
    """Its length is not believed, nor its content."""
    content = parquet.read_bytes()
    parquet.write_bytes(content[:-8] + b"\xff\xff\xff\x7f" + b"PAR1")
    with pytest.raises(BadInputError, match="damaged"):
        check_size(parquet, most_rows=10**6)
    footer = int.from_bytes(content[-8:-4], "little")
    parquet.write_bytes(content[: -8 - footer] + b"\0" * footer + content[-8:])
    with pytest.raises(BadInputError):
        check_size(parquet, most_rows=10**6)


def test_too_many_columns_are_refused(tmp_path: Path) -> None:
    """In either format."""
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{number}" for number in range(100_000)) + "\n")
    with pytest.raises(BadInputError, match="100000 columns"):
        check_size(path, most_rows=10)
    wide = tmp_path / "wide.parquet"
    pa.parquet.write_table(pa.table({f"c{number}": [1] for number in range(3000)}), wide)
    with pytest.raises(BadInputError, match="3000 columns"):
        check_size(wide, most_rows=10)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\0\0\0\0", "zero bytes"),
        (b"x" * (2**20 + 5), "first line"),
        (b"a,b\n1,2,3\n1,2\n4,5,6,7\n", "cannot be read"),
        (b"\xff\xfe\x00", "zero bytes|cannot be read"),
        (b"\xff\xfa\n\xff\n", "cannot be read"),
    ],
)
def test_a_csv_file_that_is_none_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    """By a message that names it."""
    path = tmp_path / "hostile\x1b[31m.csv"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=said):
        read_any_table(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A folder, nothing at all, another kind."""
    (tmp_path / "folder.csv").mkdir()
    for name in ("folder.csv", "missing.parquet", "table.xlsx"):
        with pytest.raises(BadInputError, match=name):
            read_any_table(tmp_path / name)
