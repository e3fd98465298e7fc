"""Datasets in folders: written whole or not at all, found again, and checked against what they say of themselves.

<folder>/manifest.json
         network/{buses,branches,generators}.csv    byte copies of the registered tables
         node.parquet  edge.parquet  gen.parquet    or .csv
"""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from pydantic import ValidationError

import recloser
from recloser.grid.blocks import Tally, solve_blocks
from recloser.grid.engines import EngineName, make_engine
from recloser.grid.errors import DatasetError, InexactError
from recloser.grid.loads import InputDigest
from recloser.grid.manifest import Case, Environment, Generator, Manifest, Output, ResidualMaxima, Solver
from recloser.grid.networks import TABLES, Network, load_network, parse_network
from recloser.grid.staging import staged_folder
from recloser.grid.tables import FORMATS, Format, TableWriter, read_table
from recloser.values import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from recloser.grid.request import DatasetRequest
    from recloser.grid.solution import Engine

MANIFEST = "manifest.json"
_LIBRARIES = ("numpy", "pandas", "pyarrow")
_MAX_MANIFEST_BYTES = 2**20
_MAX_RESIDUAL = 1e-6  # MW and Mvar; both engines stay a hundred times below it


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


def write_dataset(
    request: DatasetRequest,
    out: Path,
    *,
    file_format: Format = "parquet",
    engine: EngineName = "auto",
    on_progress: Callable[[int], None] = lambda _: None,
) -> StoredDataset:
    """Make a dataset of any length in a new folder; memory does not grow with the number of steps.

    Args:
        request: What is asked for.
        out: The folder to be made; it must not exist.
        file_format: `parquet`, or `csv` for an export.
        engine: What solves the power flow.
        on_progress: Called with the number of steps done, after each block.

    Raises:
        DatasetError: The folder exists or cannot be written.
        NotConvergedError: Some steps have no solution; nothing is left behind.
        InexactError: The engine's numbers are off by more than physics allows; nothing is left behind.
        EngineMissingError: The engine asked for is not installed.
    """
    network = load_network(request.case)
    solver = make_engine(network, engine)
    tally = Tally()
    with staged_folder(out) as folder, InputDigest(folder) as digest:
        with TableWriter(folder, file_format) as tables:
            for block in solve_blocks(request, solver):
                digest.update(block.injections)
                tally.update(network, block.state, block.loading_pct)
                tables.write(block)
                on_progress(block.first_step + block.n_steps)
        _check_residuals(tally.residuals(), solver)
        copy_network(network, folder)
        manifest = Manifest(
            dataset_id=request.dataset_id,
            created_utc=utc_now(),
            generator=Generator(name="recloser.grid", version=recloser.__version__),
            case=Case(name=network.name, base_mva=network.base_mva, network_sha256=network.network_sha256),
            request=request,
            inputs_sha256=digest.hexdigest(),
            outputs=describe_files(folder, tables.rows),
            fingerprint=tally.fingerprint(),
            residuals=tally.residuals(),
            solver=_describe_solver(solver),
            environment=describe_environment(),
        )
        write_manifest(manifest, folder)
    return StoredDataset(path=out, manifest=manifest)


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


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write a manifest into a dataset's folder."""
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")


def copy_network(network: Network, folder: Path) -> None:
    """Write byte copies of a network's tables into a dataset's folder."""
    (folder / "network").mkdir()
    for name, content in network.files.items():
        (folder / "network" / name).write_bytes(content)


def describe_files(folder: Path, rows: dict[str, int]) -> dict[str, Output]:
    """Rows, size and hash of each file, by name."""
    return {
        name: Output(rows=count, bytes=(folder / name).stat().st_size, sha256=file_sha256(folder / name))
        for name, count in rows.items()
    }


def describe_environment() -> Environment:
    """The versions a dataset is made with."""
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        libraries={name: version(name) for name in _LIBRARIES},
        blas_threads=os.environ.get("OPENBLAS_NUM_THREADS", "unset"),
    )


def file_sha256(path: Path) -> str:
    """The hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is(path: Path, output: Output) -> bool:
    try:
        return path.stat().st_size == output.bytes and file_sha256(path) == output.sha256
    except OSError:
        return False


def _check_residuals(found: ResidualMaxima, engine: Engine) -> None:
    """An engine that says it has converged is not believed: lightsim2grid has had ways to be wrong in silence."""
    worst = max(found.p_max_mw, found.q_max_mvar, found.flow_max)
    if worst > _MAX_RESIDUAL:
        raise InexactError(
            f"{engine.name} {engine.version} gave a state that is off by {worst:.1e} MW or Mvar; at most "
            f"{_MAX_RESIDUAL:g} was expected. Use another engine or another version of this one."
        )


def _describe_solver(engine: Engine) -> Solver:
    return Solver(
        name=engine.name,
        version=engine.version,
        tolerance_mva=engine.tolerance_mva,
        max_iterations=engine.max_iterations,
    )
