"""Datasets from files, with the doubts files deserve: what is far too large is refused before it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.grid import DatasetError, GridError, open_dataset
from recloser.validation.errors import BadInputError
from recloser.validation.facts import Subject
from recloser.validation.files import check_size

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from recloser.grid import StoredDataset

OUR_GENERATOR = "recloser.grid"
_MOST_ROWS = 8_000_000  # of one table; about 4 GB while it is judged


def read_subject(path: Path) -> Subject:
    """Read a dataset's folder.

    Raises:
        BadInputError: There is no dataset that could be judged: no manifest, an unknown network, unreadable tables.
    """
    try:
        stored = open_dataset(path)
        return subject_of_stored(stored)
    except GridError as error:
        raise BadInputError(str(error)) from error


def subject_of_stored(stored: StoredDataset) -> Subject:
    """Read a dataset that was opened.

    Raises:
        GridError: A table is missing or cannot be read, or the network is not registered.
        BadInputError: A file is far too large, or no table.
    """
    manifest = stored.manifest
    request = manifest.request
    return Subject(
        name=manifest.dataset_id,
        case=request.case,
        n_steps=request.n_steps,
        node=_table(stored, "node"),
        edge=_table(stored, "edge"),
        gen=_optional_table(stored, "gen"),
        level=request.level,
        request=request if manifest.generator.name == OUR_GENERATOR else None,
        manifest=manifest,
        own_network_sha256=_own_network(stored),
        damaged_files=stored.damaged_files(),
    )


def _table(stored: StoredDataset, name: str) -> pd.DataFrame:
    check_size(stored.table_path(name), most_rows=_MOST_ROWS)
    return stored.read(name)


def _optional_table(stored: StoredDataset, name: str) -> pd.DataFrame | None:
    try:
        stored.table_path(name)
    except DatasetError:
        return None
    return _table(stored, name)


def _own_network(stored: StoredDataset) -> str:
    try:
        return stored.network().network_sha256
    except GridError:
        return ""
