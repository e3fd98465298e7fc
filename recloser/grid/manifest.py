"""What a dataset says of itself: where it comes from, and the hashes that it must have."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from recloser.grid.loads import BIT_GENERATOR, STREAMS
from recloser.grid.request import DatasetRequest
from recloser.values import Value

SCHEMA_VERSION = "1.0"
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+-]{1,100}$")]
"""A name that a terminal, a path and a page can show as it is."""


class Generator(Value):
    """The program that made it."""

    name: Word
    version: Word


class Case(Value):
    """The network."""

    name: Word
    base_mva: float
    network_sha256: str


class Rng(Value):
    """Where the noise comes from: one stream per source, spawned from the seed, the buses and the steps."""

    bit_generator: str = BIT_GENERATOR
    spawn: tuple[str, ...] = STREAMS


class Output(Value):
    """One file; its hash proves its own integrity, never that two datasets are equal."""

    rows: int
    bytes: int
    sha256: str


class Fingerprint(Value):
    """A few numbers by which a dataset is known again, within a tolerance."""

    sum_pd_mw: float
    sum_loss_mw: float
    min_vm_pu: float
    max_vm_pu: float
    max_loading_pct: float
    mean_abs_pf_mw: float


class ResidualMaxima(Value):
    """The largest residuals of physics; flows in MW and Mvar alike."""

    p_max_mw: float
    q_max_mvar: float
    flow_max: float


class Solver(Value):
    """What solved the power flow, until no bus was off by more than the tolerance."""

    name: Word
    version: Word
    tolerance_mva: float
    max_iterations: int


class Environment(Value):
    """Versions it was made with, by name."""

    python: str
    platform: str
    libraries: dict[str, str]
    blas_threads: str = Field(description="OPENBLAS_NUM_THREADS as it was set, or unset.")


class Manifest(Value):
    """`manifest.json` of a dataset."""

    schema_version: str = SCHEMA_VERSION
    dataset_id: Word
    created_utc: datetime
    parent: str | None = None
    generator: Generator
    case: Case
    request: DatasetRequest
    rng: Rng = Rng()
    inputs_sha256: str
    outputs: dict[Annotated[str, Field(pattern=r"^[a-z]+\.(parquet|csv)$")], Output]
    fingerprint: Fingerprint
    residuals: ResidualMaxima
    solver: Solver
    environment: Environment
