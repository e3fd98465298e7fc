"""How the long tables lie in files: Parquet, which is the truth, or CSV, which is an export of it.

Both are read back to the same binary64. In CSV every number is the shortest text that does so; `pandas.read_csv` needs
`float_precision="round_trip"` for it, which `read_table` gives.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from recloser.grid import frames
from recloser.grid.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from recloser.grid.blocks import Block

Format = Literal["parquet", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)
_COLUMNS_OF: Mapping[str, Callable[[Block], frames.Columns]] = {
    "node": frames.node_columns,
    "edge": frames.edge_columns,
    "gen": frames.gen_columns,
}
_ARROW_TYPES = {
    "int32": pa.int32(),
    "float64": pa.float64(),
    "datetime64[ns, UTC]": pa.timestamp("ns", tz="UTC"),
}
_INT32 = (-(2**31), 2**31 - 1)
SCHEMAS = {
    table: pa.schema([(name, _ARROW_TYPES[dtype]) for name, dtype in columns.items()])
    for table, columns in frames.TABLE_COLUMNS.items()
}


class TableWriter:
    """Writes the tables of a dataset into a folder, block by block; a block is a row group."""

    def __init__(self, folder: Path, file_format: Format) -> None:
        """Open the files; it must be used as a context."""
        self._files = ExitStack()
        self._paths = {f"{table}.{file_format}": folder / f"{table}.{file_format}" for table in SCHEMAS}
        self.rows = dict.fromkeys(self._paths, 0)
        open_writer = _open_parquet if file_format == "parquet" else _open_csv
        self._writers = [
            (table, name, self._files.enter_context(open_writer(path, SCHEMAS[table])))
            for table, (name, path) in zip(SCHEMAS, self._paths.items(), strict=True)
        ]

    def __enter__(self) -> Self:
        """Write from here on."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the files."""
        self._files.close()

    def write(self, block: Block) -> None:
        """Append the rows of some steps to every table."""
        for table, name, writer in self._writers:
            schema = SCHEMAS[table]
            columns = _COLUMNS_OF[table](block)
            rows = pa.table([pa.array(columns[field.name], type=field.type) for field in schema], schema=schema)
            writer.write_table(rows)
            self.rows[name] += rows.num_rows


def read_table(path: Path) -> pd.DataFrame:
    """Read one table as it is, whatever its columns are; the numbers are the ones that were written.

    Args:
        path: A file that ends in `.parquet` or `.csv`.

    Raises:
        DatasetError: The file is missing or cannot be read.
    """
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return _with_types(pd.read_csv(path, float_precision="round_trip"), path.stem)
    except FileNotFoundError as error:
        raise DatasetError(f"{path} is missing.") from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DatasetError(f"{path} cannot be read as a table: {_first_line(error)}") from error


def iter_table(path: Path, rows_at_once: int) -> Iterator[pd.DataFrame]:
    """Read one table in pieces, so that its size does not matter.

    Raises:
        DatasetError: The file is missing or cannot be read.
    """
    try:
        if path.suffix == ".parquet":
            with pa.parquet.ParquetFile(path) as file:
                yield from _pieces((batch.to_pandas() for batch in file.iter_batches(rows_at_once)), rows_at_once)
        else:
            with pd.read_csv(path, float_precision="round_trip", chunksize=rows_at_once) as pieces:
                for piece in pieces:
                    yield _with_types(piece, path.stem)
    except FileNotFoundError as error:
        raise DatasetError(f"{path} is missing.") from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DatasetError(f"{path} cannot be read as a table: {_first_line(error)}") from error


def _pieces(batches: Iterator[pd.DataFrame], rows_at_once: int) -> Iterator[pd.DataFrame]:
    """Batches of any size, which end where a row group does, as pieces of one size."""
    held = pd.DataFrame()
    for batch in batches:
        held = pd.concat([held, batch], ignore_index=True) if len(held) else batch
        while len(held) >= rows_at_once:
            yield held.iloc[:rows_at_once]
            held = held.iloc[rows_at_once:]
    if len(held):
        yield held


def _open_parquet(path: Path, schema: Any) -> Any:
    keys = [field.name for field in schema if not pa.types.is_floating(field.type)]
    return pa.parquet.ParquetWriter(path, schema, compression="zstd", use_dictionary=keys)


def _open_csv(path: Path, schema: Any) -> Any:
    return pa.csv.CSVWriter(path, schema)


def _with_types(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """CSV knows no types: give each column its declared one where that changes no value, and leave the rest as read."""
    declared = frames.TABLE_COLUMNS.get(table, {})
    return frame.assign(**{name: _typed(frame[name], dtype) for name, dtype in declared.items() if name in frame})


def _typed(column: pd.Series[Any], dtype: str) -> pd.Series[Any]:
    if dtype.startswith("datetime"):
        times = pd.to_datetime(column, format="ISO8601", utc=True, errors="coerce")
        return column if times.isna().any() else times.astype("datetime64[ns, UTC]")
    if column.dtype.kind in "if" and dtype == "float64":
        return column.astype("float64")
    if column.dtype.kind == "i" and column.between(*_INT32).all():
        return column.astype("int32")
    return column


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
