"""The four input tables: read all, check all, and name every one that cannot be used.

- buses.csv: bus (id), gs_mw (what its shunt consumes at 1 pu)
- branches.csv: from_bus, to_bus, x_pu (series reactance, base 100 MVA), rate_mva
- generators.csv: gen (id), bus, pmin_mw, pmax_mw, cost_per_mwh ($), noload_cost ($/h), startup_cost ($),
  ramp_mw (per hour), min_up_h
- load.csv: hour (from 0), bus, pd_mw (consumption); one row for each hour and bus
"""

import hashlib
import io
import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimo import storage

logger = logging.getLogger(__name__)

COLUMNS = {
    "buses.csv": ["bus", "gs_mw"],
    "branches.csv": ["from_bus", "to_bus", "x_pu", "rate_mva"],
    "generators.csv": [
        "gen",
        "bus",
        "pmin_mw",
        "pmax_mw",
        "cost_per_mwh",
        "noload_cost",
        "startup_cost",
        "ramp_mw",
        "min_up_h",
    ],
    "load.csv": ["hour", "bus", "pd_mw"],
}


@dataclass(frozen=True, slots=True)
class Case:
    """A network, its units and the load to serve; buses are positions in `buses` from here on."""

    buses: pd.DataFrame
    branches: pd.DataFrame
    generators: pd.DataFrame
    pd_mw: np.ndarray  # hours x buses

    @property
    def hours(self):
        return self.pd_mw.shape[0]


def read(folder):
    """Read and check the inputs below `folder`.

    Raises:
        ValueError: A table is not what the job needs.
        Exception: The first of the errors met while reading; each of them is in the log by then.
    """
    tables, errors = {}, []
    for name in COLUMNS:
        uri = storage.join(folder, name)
        try:
            tables[name] = _read_table(uri, name)
        except (*storage.Errors, ValueError) as error:
            logger.error("cannot read %s: %s", uri, error)  # noqa: TRY400 - raised below, when all were tried
            errors.append(error)
    if errors:
        raise errors[0]
    return _case(tables)


def _read_table(uri, name):
    content = storage.read(uri)
    table = pd.read_csv(io.BytesIO(content))
    missing = [column for column in COLUMNS[name] if column not in table]
    if missing:
        raise ValueError(f"{name}: missing columns {missing}")
    table = table[COLUMNS[name]]
    if table.empty:
        raise ValueError(f"{name}: no rows")
    if empty := int(table.isna().to_numpy().sum()):
        raise ValueError(f"{name}: {empty} empty cells")
    logger.info("read %s rows=%d sha256=%s", uri, len(table), hashlib.sha256(content).hexdigest())
    return _numbers(name, table)


def _numbers(name, table):
    try:
        return table.astype(float)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _case(tables):
    buses = tables["buses.csv"]
    position = {bus: number for number, bus in enumerate(buses["bus"])}
    if len(position) < len(buses):
        raise ValueError("buses.csv: bus ids are not unique")
    branches, generators, load = (tables[name] for name in ("branches.csv", "generators.csv", "load.csv"))
    branches = branches.assign(
        from_bus=_positions("branches.csv", branches["from_bus"], position),
        to_bus=_positions("branches.csv", branches["to_bus"], position),
    )
    generators = generators.assign(bus=_positions("generators.csv", generators["bus"], position))
    load = load.assign(bus=_positions("load.csv", load["bus"], position))
    _check_values(branches, generators, load)
    return Case(buses, branches, generators, _hourly(load, len(buses)))


def _positions(name, ids, position):
    unknown = sorted(set(ids) - set(position))
    if unknown:
        raise ValueError(f"{name}: unknown bus ids [{', '.join(f'{bus:g}' for bus in unknown)}]")
    return ids.map(position).astype(int)


def _check_values(branches, generators, load):
    wrong = {
        "branches.csv: x_pu is 0": branches["x_pu"] == 0,
        "branches.csv: rate_mva is not positive": branches["rate_mva"] <= 0,
        "generators.csv: gen ids are not unique": generators["gen"].duplicated(),
        "generators.csv: pmin_mw below 0 or above pmax_mw": ~generators["pmin_mw"].between(0, generators["pmax_mw"]),
        "load.csv: hour and bus are not unique": load[["hour", "bus"]].duplicated(),
    }
    for what, rows in wrong.items():
        if rows.any():
            raise ValueError(f"{what} in {int(rows.sum())} rows")


def _hourly(load, n_buses):
    hours = int(load["hour"].max()) + 1
    table = load.pivot_table(index="hour", columns="bus", values="pd_mw", aggfunc="sum")
    table = table.reindex(index=range(hours), columns=range(n_buses))
    if absent := int(table.isna().to_numpy().sum()):
        raise ValueError(f"load.csv: {absent} pairs of hour and bus have no row")
    return table.to_numpy()
