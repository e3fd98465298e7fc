"""Files with damaged bytes, wherever they are: a report or one refusal, and never another error."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from recloser.grid import request_size, write_dataset
from recloser.validation import BadInputError, check_subject, read_subject, render_html, render_text
from recloser.validation.table import ColumnSpec, TableSpec, read_any_table
from recloser.validation.table.intake import as_declared

SEEDS = range(60)


def damage(file: Path, rng: np.random.Generator) -> None:
    """Change, remove or insert bytes."""
    content = bytearray(file.read_bytes())
    for _ in range(rng.choice([1, 3, 50])):
        at = int(rng.integers(len(content)))
        match rng.integers(3):
            case 0:
                content[at] = int(rng.integers(256))
            case 1:
                del content[at : at + int(rng.integers(1, 20))]
            case _:
                content[at:at] = rng.bytes(int(rng.integers(1, 9)))
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_a_damaged_dataset_is_judged_or_refused(tmp_path: Path, file_format: str) -> None:
    """Any file of it, sixty times; what is judged can be shown."""
    write_dataset(request_size("small", seed=96_001), tmp_path / "good", file_format=file_format)  # type: ignore[arg-type]
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        folder = tmp_path / f"damaged-{seed}"
        shutil.copytree(tmp_path / "good", folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        damage(files[int(rng.integers(len(files)))], rng)
        try:
            report = check_subject(read_subject(folder))
        except BadInputError:
            continue
        assert render_text(report)
        assert render_html(report)


def test_a_damaged_table_is_read_or_refused(tmp_path: Path) -> None:
    """With a declaration, and every cell is taken, missing or strange."""
    spec = TableSpec(columns={"n": ColumnSpec(type="integer"), "at": ColumnSpec(type="timestamp")})
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        file = tmp_path / f"{seed}.csv"
        file.write_text("n,at\n" + "".join(f"{number},2026-01-01T00:00:{number:02d}Z\n" for number in range(60)))
        damage(file, rng)
        try:
            frame = read_any_table(file)
        except BadInputError:
            continue
        typed, strange = as_declared(frame, spec)
        for name in typed:
            assert (strange[str(name)] | frame[name].isna() | typed[name].notna()).all()
