"""Grid datasets: IEEE networks, load series, AC power flow, tables, and the residuals of physics.

`generate_dataset` makes one in memory, `write_dataset` one of any length in files; the same request has the same inputs
on every machine. `recloser.grid.residuals` says how far any numbers are from physics.

A library does not change its process: whoever makes many datasets sets `OPENBLAS_NUM_THREADS=1` before numpy is
imported, as `recloser data` does. Inputs never depend on it; outputs do in their last bits, with the numpy engine only.
"""

from recloser.grid.blocks import Block, solve_block
from recloser.grid.dataset import Dataset, generate_dataset
from recloser.grid.digest import inputs_sha256
from recloser.grid.engines import make_engine
from recloser.grid.errors import (
    BadRequestError,
    DamagedTablesError,
    DatasetError,
    EngineMissingError,
    GridError,
    InexactError,
    NotConvergedError,
    UnknownCaseError,
)
from recloser.grid.loads import Injections, make_injections
from recloser.grid.manifest import Manifest
from recloser.grid.networks import Network, load_network, parse_network, registered_cases
from recloser.grid.request import SIZES, DatasetRequest, request_dataset, request_size
from recloser.grid.residuals import State
from recloser.grid.solution import Engine, Flows, Solution
from recloser.grid.staging import staged_folder
from recloser.grid.storage import write_dataset
from recloser.grid.stored import StoredDataset, open_dataset
from recloser.grid.summary import Check, Summary, summarise

__all__ = [
    "SIZES",
    "BadRequestError",
    "Block",
    "Check",
    "DamagedTablesError",
    "Dataset",
    "DatasetError",
    "DatasetRequest",
    "Engine",
    "EngineMissingError",
    "Flows",
    "GridError",
    "InexactError",
    "Injections",
    "Manifest",
    "Network",
    "NotConvergedError",
    "Solution",
    "State",
    "StoredDataset",
    "Summary",
    "UnknownCaseError",
    "generate_dataset",
    "inputs_sha256",
    "load_network",
    "make_engine",
    "make_injections",
    "open_dataset",
    "parse_network",
    "registered_cases",
    "request_dataset",
    "request_size",
    "solve_block",
    "staged_folder",
    "summarise",
    "write_dataset",
]
