"""Files of tables, looked at before they are read: size, kind, and how many columns they claim to have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet

from recloser.validation.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

MOST_COLUMNS = 2_000
MOST_BYTES = 2 * 2**30
MOST_UNPACKED_BYTES = 8 * 2**30
_MOST_FOOTER_BYTES = 16 * 2**20
_MOST_HEADER_BYTES = 2**20
_MAGIC = b"PAR1"
_TAIL = 8


def check_size(path: Path, *, most_rows: int) -> None:
    """See that a Parquet or CSV file can be read at all, by its first and last bytes.

    Args:
        path: A file that ends in `.parquet` or `.csv`.
        most_rows: A Parquet file that says it holds more is refused.

    Raises:
        BadInputError: It is missing, empty, of another kind, truncated, or claims to be far too large.
    """
    try:
        if not path.is_file():
            raise BadInputError(f"{path} is {'no file' if path.exists() else 'missing'}.")
        size = path.stat().st_size
        if size == 0:
            raise BadInputError(f"{path} is empty (0 bytes).")
        if size > MOST_BYTES:
            raise BadInputError(f"{path} has {size} bytes; at most {MOST_BYTES} are read.")
        if path.suffix == ".parquet":
            _check_parquet(path, size, most_rows)
        else:
            _check_csv(path)
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror or error}.") from error


def _check_parquet(path: Path, size: int, most_rows: int) -> None:
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    if head != _MAGIC:
        raise BadInputError(f"{path} is no Parquet file: it does not begin as one.")
    if tail[-len(_MAGIC) :] != _MAGIC:
        raise BadInputError(f"{path} is truncated: a Parquet file does not end like this. Fetch or make it anew.")
    footer = int.from_bytes(tail[: len(_MAGIC)], "little")
    if not 0 < footer <= min(size, _MOST_FOOTER_BYTES):
        raise BadInputError(f"{path} says its description takes {footer} bytes; it is damaged or no table of ours.")
    try:
        found = pa.parquet.read_metadata(path)
    except pa.ArrowException as error:
        raise BadInputError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0][:200]}") from error
    _check_columns(path, found.num_columns)
    unpacked = sum(found.row_group(group).total_byte_size for group in range(found.num_row_groups))
    if unpacked > MOST_UNPACKED_BYTES:
        raise BadInputError(f"{path} unpacks to {unpacked} bytes; at most {MOST_UNPACKED_BYTES} are read.")
    if found.num_rows > most_rows:
        raise BadInputError(f"{path} holds {found.num_rows} rows; at most {most_rows} are read.")


def _check_csv(path: Path) -> None:
    with path.open("rb") as file:
        header = file.readline(_MOST_HEADER_BYTES)
    if b"\0" in header:
        raise BadInputError(f"{path} is no CSV file: its first line holds zero bytes.")
    if len(header) == _MOST_HEADER_BYTES and not header.endswith(b"\n"):
        raise BadInputError(f"{path} has a first line of more than {_MOST_HEADER_BYTES} bytes; that is no header.")
    _check_columns(path, header.count(b",") + 1)


def _check_columns(path: Path, count: int) -> None:
    if count > MOST_COLUMNS:
        raise BadInputError(f"{path} has {count} columns; at most {MOST_COLUMNS} are read.")
