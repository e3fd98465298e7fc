"""The catalogue by name, and how a fault is applied to a dataset in memory or in a folder."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from recloser.grid import GridError, open_dataset, staged_folder
from recloser.grid.storage import copy_network, describe_files, write_manifest
from recloser.validation.corruption import inputs, numbers, tables
from recloser.validation.corruption.draft import Draft, draft_of, subject_of
from recloser.validation.errors import BadInputError, UnknownFaultError
from recloser.validation.intake import subject_of_stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from recloser.grid import Dataset
    from recloser.validation.facts import Subject

CONTROL = "C15"


@dataclass(frozen=True)
class Fault:
    """One fault of the catalogue."""

    name: str
    apply: Callable[[Draft, np.random.Generator], Draft]

    @property
    def title(self) -> str:
        """What is wrong, in a line."""
        return (self.apply.__doc__ or "").strip().rstrip(".")

    @property
    def is_control(self) -> bool:
        """Whether no rule may object to it."""
        return self.name == CONTROL


_ORDER = (
    tables.one_nan,
    tables.some_nans,
    tables.one_infinity,
    tables.bus_missing,
    tables.row_dropped,
    tables.end_cut,
    tables.step_duplicated,
    tables.step_overwritten,
    tables.column_renamed,
    tables.columns_reordered,
    tables.numbers_as_text,
    tables.single_precision,
    tables.ids_from_one,
    tables.no_edges,
    tables.rows_shuffled,
    tables.times_shuffled,
    tables.hour_shifted,
    inputs.steps_permuted,
    inputs.stale_steps,
    inputs.bus_frozen,
    inputs.spike_of_three,
    inputs.spike_of_a_third,
    numbers.kilowatts,
    numbers.kilowatts_at_one_bus,
    numbers.load_per_unit,
    numbers.radians,
    numbers.kilovolts,
    numbers.load_sign,
    numbers.flow_signs,
    numbers.p_and_q_swapped,
    numbers.ends_swapped,
    numbers.buses_exchanged,
    inputs.buses_exchanged_and_solved,
    numbers.flow_off_by_percent,
    numbers.flow_off_by_tenth,
    numbers.load_off_by_percent,
    numbers.voltage_noise,
    numbers.angle_at_one_bus,
    numbers.all_angles,
    numbers.one_iteration,
    numbers.outage,
    numbers.charging_lost,
    numbers.tap_ignored,
    tables.rounded,
    tables.voltages_zero,
    inputs.unit_beyond_limit,
    inputs.level_raised,
    inputs.drift,
    inputs.independent_loads,
    inputs.another_seed,
)
FAULTS: Mapping[str, Fault] = MappingProxyType(
    {f"C{number:02d}": Fault(f"C{number:02d}", apply) for number, apply in enumerate(_ORDER, start=1)}
)


def find_fault(name: str) -> Fault:
    """A fault by name.

    Raises:
        UnknownFaultError: The catalogue has no such fault.
    """
    if name.upper() not in FAULTS:
        raise UnknownFaultError(f"There is no fault {name!r}; there are C01 to C{len(FAULTS)}.")
    return FAULTS[name.upper()]


def corrupt_dataset(dataset: Dataset, name: str, *, seed: int = 0) -> Subject:
    """Apply a fault to a dataset in memory; the same seed breaks it at the same place."""
    return subject_of(find_fault(name).apply(draft_of(dataset), _rng(name, seed)))


def corrupt_folder(path: Path, name: str, out: Path, *, seed: int = 0) -> None:
    """Apply a fault to a dataset in a folder, and write the result beside it.

    The files' own hashes are written anew, as a faulty producer would; what the manifest claims of the inputs, the
    network and the fingerprint stays.

    Args:
        path: Folder of a good dataset.
        name: `C01` to `C50`.
        out: Folder to be made.
        seed: Where and how it is broken.

    Raises:
        UnknownFaultError: The catalogue has no such fault.
        BadInputError: The dataset cannot be read, broken, or written.
    """
    fault = find_fault(name)
    try:
        stored = open_dataset(path)
        broken = subject_of(fault.apply(Draft(subject_of_stored(stored)), _rng(name, seed)))
        frames = {"node": broken.node, "edge": broken.edge, "gen": broken.gen}
        with staged_folder(out) as folder:
            rows = {}
            for table, frame in frames.items():
                if frame is not None:
                    frame.to_parquet(folder / f"{table}.parquet", compression="zstd", index=False)
                    rows[f"{table}.parquet"] = len(frame)
            copy_network(stored.network(), folder)
            parent = f"{stored.manifest.dataset_id} with {fault.name}"
            outputs = describe_files(folder, rows)
            write_manifest(stored.manifest.model_copy(update={"parent": parent, "outputs": outputs}), folder)
    except GridError as error:
        raise BadInputError(str(error)) from error


def _rng(name: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.upper().encode())])
