"""Datasets written into folders, whole or not at all.

<folder>/manifest.json
         network/{buses,branches,generators}.csv    byte copies of the registered tables
         node.parquet  edge.parquet  gen.parquet    or .csv
"""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

import recloser
from recloser.grid.blocks import Tally, solve_blocks
from recloser.grid.digest import InputDigest
from recloser.grid.engines import EngineName, make_engine
from recloser.grid.errors import InexactError
from recloser.grid.manifest import Case, Environment, Generator, Manifest, Output, ResidualMaxima, Solver
from recloser.grid.networks import Network, load_network
from recloser.grid.staging import staged_folder
from recloser.grid.stored import MANIFEST, StoredDataset, file_sha256
from recloser.grid.tables import Format, TableWriter
from recloser.values import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recloser.grid.request import DatasetRequest
    from recloser.grid.solution import Engine

_LIBRARIES = ("numpy", "pandas", "pyarrow")
_MAX_RESIDUAL = 1e-6  # MW and Mvar; both engines stay a hundred times below it


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
