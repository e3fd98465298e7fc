"""Datasets found in folders, and compared with what they say of themselves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from recloser.grid.errors import DatasetError
from recloser.grid.manifest import Manifest
from recloser.grid.networks import TABLES, parse_network
from recloser.grid.tables import FORMATS, read_table

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from recloser.grid.manifest import Output
    from recloser.grid.networks import Network

MANIFEST = "manifest.json"
_MAX_MANIFEST_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """A dataset in a folder. Its manifest was read; nothing it says was believed yet."""

    path: Path
    manifest: Manifest

    def table_path(self, table: str) -> Path:
        """The file of a table, `node`, `edge` or `gen`.

        Raises:
            DatasetError: The manifest names no file of that table.
        """
        for file_format in FORMATS:
            if f"{table}.{file_format}" in self.manifest.outputs:
                return self.path / f"{table}.{file_format}"
        raise DatasetError(f"{self.path / MANIFEST} names no {table} table.")

    def read(self, table: str) -> pd.DataFrame:
        """Read a table, `node`, `edge` or `gen`, as it is.

        Raises:
            DatasetError: It is missing or cannot be read.
        """
        return read_table(self.table_path(table))

    def network(self) -> Network:
        """The dataset's own copy of its network, which may differ from the registered one.

        Raises:
            DamagedTablesError: The copy cannot be read as a network.
            DatasetError: The copy is missing.
        """
        try:
            files = {table: (self.path / "network" / table).read_bytes() for table in TABLES}
        except OSError as error:
            raise DatasetError(f"{error.filename} cannot be read: {error.strerror}.") from error
        return parse_network(self.manifest.case.name, files, base_mva=self.manifest.case.base_mva)

    def damaged_files(self) -> tuple[str, ...]:
        """Names of the files that are missing, or are not the ones that were written."""
        return tuple(name for name, output in self.manifest.outputs.items() if not _is(self.path / name, output))


def open_dataset(path: Path) -> StoredDataset:
    """Find a dataset in a folder.

    Raises:
        DatasetError: There is none, or its manifest cannot be read.
    """
    where = path / MANIFEST
    try:
        with where.open("rb") as file:
            content = file.read(_MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise DatasetError(f"{path} holds no dataset: {where.name} cannot be read ({error.strerror}).") from error
    if len(content) > _MAX_MANIFEST_BYTES:
        raise DatasetError(f"{where} is larger than a manifest may be ({_MAX_MANIFEST_BYTES} bytes).")
    try:
        return StoredDataset(path=path, manifest=Manifest.model_validate_json(content))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "it"
        raise DatasetError(f"{where} is not a manifest: {field}: {first['msg']}.") from error


def file_sha256(path: Path) -> str:
    """The hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is(path: Path, output: Output) -> bool:
    try:
        return path.stat().st_size == output.bytes and file_sha256(path) == output.sha256
    except OSError:
        return False
