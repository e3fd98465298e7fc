"""Tables from files, each column taken as what it is declared to be; what is not that is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from recloser.validation.errors import BadInputError
from recloser.validation.files import check_size

if TYPE_CHECKING:
    from pathlib import Path

    from recloser.validation.table.expected import ColumnSpec, TableSpec

_MOST_ROWS = 20_000_000
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def read_any_table(path: Path) -> pd.DataFrame:
    """Read a CSV or Parquet file; of a CSV every cell is text until a declaration says what it is.

    Raises:
        BadInputError: It is missing, empty, truncated, far too large, or neither CSV nor Parquet.
    """
    if path.suffix not in {".csv", ".parquet"}:
        raise BadInputError(f"{path} is neither .csv nor .parquet; those are read.")
    check_size(path, most_rows=_MOST_ROWS)
    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], nrows=_MOST_ROWS + 1)
    except (OSError, ValueError, OverflowError, MemoryError, pa.ArrowException) as error:
        said = str(error).strip().partition("\n")[0][:300]
        raise BadInputError(f"{path} cannot be read as a table: {said}") from error
    if len(frame) > _MOST_ROWS:
        raise BadInputError(f"{path} holds more than {_MOST_ROWS} rows; that many are not read.")
    return frame


def as_declared(frame: pd.DataFrame, spec: TableSpec) -> tuple[pd.DataFrame, dict[str, pd.Series[bool]]]:
    """The declared columns in their types, and where each holds something else.

    Returns:
        The columns that are there, and for each of them which rows hold a value of another type.
    """
    columns, strange = {}, {}
    for name, expected in spec.columns.items():
        if name in frame and frame[name].ndim == 1:
            columns[name], strange[name] = _as_type(frame[name], expected)
    return pd.DataFrame(columns, index=frame.index), strange


def _as_type(column: pd.Series[Any], expected: ColumnSpec) -> tuple[pd.Series[Any], pd.Series[bool]]:
    there = column.notna()
    taken = {
        "integer": _numbers,
        "number": _numbers,
        "text": _texts,
        "boolean": _booleans,
        "timestamp": _times,
    }[expected.type](column)
    strange = there & taken.isna()
    if expected.type == "integer":
        strange |= taken.notna() & ~(np.isfinite(taken) & (taken == np.rint(taken)))
    return taken, strange


def _numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    if column.dtype.kind in "iuf":
        return column.astype("float64")
    if column.dtype.kind == "b":
        return pd.Series(np.nan, index=column.index)
    return pd.to_numeric(column, errors="coerce").astype("float64")


def _texts(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.map(lambda value: value if isinstance(value, str) else None).astype(object)


def _booleans(column: pd.Series[Any]) -> pd.Series[Any]:
    if column.dtype.kind == "b":
        return column.astype(object)
    return column.map(lambda value: _BOOLEANS.get(str(value).lower())).astype(object)


def _times(column: pd.Series[Any]) -> pd.Series[Any]:
    if column.dtype.kind in "iuf":
        return pd.Series(pd.NaT, index=column.index, dtype="datetime64[ns, UTC]")
    return pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601")
