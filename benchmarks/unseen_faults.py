"""Faults that are not in the catalogue: what else goes wrong with data, applied to good datasets.

Rules and limits were not tuned to these; `benchmarks/validation.py` counts how many of them are found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

    from recloser.validation.corruption import Draft

    Apply = Callable[[Draft, np.random.Generator], Draft]

FLOWS = ["pf_mw", "qf_mvar", "pt_mw", "qt_mvar"]


def _at(draft: Draft, rng: np.random.Generator, least_mw: float = 5.0) -> int:
    return int(rng.choice(draft.load_buses(least_mw=least_mw)))


def _window(draft: Draft, rng: np.random.Generator, length: int) -> slice:
    first = int(rng.integers(1, draft.subject.n_steps - length))
    return slice(first, first + length)


def _busy_branch(draft: Draft, rng: np.random.Generator) -> int:
    usual = draft.subject.edge["pf_mw"].abs().groupby(draft.subject.edge["branch"]).mean()
    return int(rng.choice(usual.index[usual > 1.0]))


def branch_lags(draft: Draft, rng: np.random.Generator) -> Draft:
    """One branch's flows lag by a step."""
    edge = draft.edge
    at = edge["branch"] == _busy_branch(draft, rng)
    names = [*FLOWS, "loading_pct"]
    edge.loc[at, names] = edge.loc[at, names].shift(1).bfill()
    return draft.with_tables(edge=edge)


def noise_after_solve(draft: Draft, rng: np.random.Generator) -> Draft:
    """Gaussian noise of 0.1 % on all loads after the power flow."""
    node = draft.node
    return draft.with_tables(node=node.assign(pd_mw=node["pd_mw"] * rng.normal(1, 1e-3, len(node))))


def hour_twice(draft: Draft, rng: np.random.Generator) -> Draft:
    """An hour written over the next one, physics included."""
    node, edge = draft.node, draft.edge
    first = int(rng.integers(0, draft.subject.n_steps - 8))
    for frame, kept in ((node, {"step", "ts", "bus"}), (edge, {"step", "branch"})):
        names = [name for name in frame if name not in kept]
        for step in range(first, first + 4):
            frame.loc[frame["step"] == step + 4, names] = frame.loc[frame["step"] == step, names].to_numpy()
    return draft.with_tables(node=node, edge=edge)


def kilovars(draft: Draft, rng: np.random.Generator) -> Draft:
    """Reactive load in kvar, real load in MW."""
    del rng
    return draft.with_tables(node=draft.node.assign(qd_mvar=draft.node["qd_mvar"] * 1000))


def clipped(draft: Draft, rng: np.random.Generator) -> Draft:
    """Loads cut off at the 97th percentile of each bus, solved."""
    del rng
    pd_mw, qd_mvar, _ = draft.inputs()
    return draft.solved(np.minimum(pd_mw, np.quantile(pd_mw, 0.97, axis=0)), qd_mvar)


def one_zone_shifted(draft: Draft, rng: np.random.Generator) -> Draft:
    """A quarter of the buses an hour behind, solved."""
    pd_mw, qd_mvar, _ = draft.inputs()
    zone = int(rng.integers(4))
    at = 4 * np.arange(draft.network.n_buses) // draft.network.n_buses == zone
    for values in (pd_mw, qd_mvar):
        values[4:, at] = values[:-4, at]
    return draft.solved(pd_mw, qd_mvar)


def whole_hour_shifted(draft: Draft, rng: np.random.Generator) -> Draft:
    """All loads an hour behind, as of another time zone, solved."""
    del rng
    pd_mw, qd_mvar, _ = draft.inputs()
    return draft.solved(np.roll(pd_mw, 4, axis=0), np.roll(qd_mvar, 4, axis=0))


def summer_time(draft: Draft, rng: np.random.Generator) -> Draft:
    """Loads an hour ahead from the middle on, solved."""
    del rng
    pd_mw, qd_mvar, _ = draft.inputs()
    half = draft.subject.n_steps // 2
    for values in (pd_mw, qd_mvar):
        values[half:-4] = values[half + 4 :]
    return draft.solved(pd_mw, qd_mvar)


def joined_off_by_one(draft: Draft, rng: np.random.Generator) -> Draft:
    """Reactive load of the step before, solved."""
    del rng
    pd_mw, qd_mvar, _ = draft.inputs()
    qd_mvar[1:] = qd_mvar[:-1].copy()
    return draft.solved(pd_mw, qd_mvar)


def voltages_joined_off_by_one(draft: Draft, rng: np.random.Generator) -> Draft:
    """Voltages of the step before."""
    del rng
    node = draft.node
    names = ["vm_pu", "va_deg"]
    node[names] = node.groupby("bus")[names].shift(1).bfill()
    return draft.with_tables(node=node)


def zone_frozen(draft: Draft, rng: np.random.Generator) -> Draft:
    """A quarter of the buses held for three steps, solved."""
    pd_mw, qd_mvar, _ = draft.inputs()
    window = _window(draft, rng, 3)
    at = 4 * np.arange(draft.network.n_buses) // draft.network.n_buses == int(rng.integers(4))
    for values in (pd_mw, qd_mvar):
        values[window, at] = values[window.start - 1, at]
    return draft.solved(pd_mw, qd_mvar)


def hole_interpolated(draft: Draft, rng: np.random.Generator) -> Draft:
    """Two hours of all loads replaced by a straight line, solved."""
    pd_mw, qd_mvar, _ = draft.inputs()
    window = _window(draft, rng, 8)
    share = np.linspace(0, 1, 8)[:, None]
    for values in (pd_mw, qd_mvar):
        values[window] = values[window.start] * (1 - share) + values[window.stop] * share
    return draft.solved(pd_mw, qd_mvar)


def quantised(draft: Draft, rng: np.random.Generator) -> Draft:
    """Loads in steps of 100 kW, solved."""
    del rng
    pd_mw, qd_mvar, _ = draft.inputs()
    return draft.solved(np.round(pd_mw, 1), qd_mvar)


def reactive_sign(draft: Draft, rng: np.random.Generator) -> Draft:
    """Sign of qd at one bus."""
    node = draft.node
    reactive = [bus for bus in draft.load_buses() if draft.network.buses.qd0_mvar[bus] != 0]
    node.loc[node["bus"] == rng.choice(reactive), "qd_mvar"] *= -1
    return draft.with_tables(node=node)


def reactive_production_sign(draft: Draft, rng: np.random.Generator) -> Draft:
    """Sign of qg at all buses."""
    del rng
    return draft.with_tables(node=draft.node.assign(qg_mvar=-draft.node["qg_mvar"]))


def slack_without_losses(draft: Draft, rng: np.random.Generator) -> Draft:
    """The slack produces what is missing, but not the losses."""
    del rng
    node, edge = draft.node, draft.edge
    lost = (edge["pf_mw"] + edge["pt_mw"]).groupby(edge["step"]).sum()
    at = node["bus"] == draft.network.slack_bus
    node.loc[at, "pg_mw"] -= lost.to_numpy()
    return draft.with_tables(node=node)


def rate_scaled(draft: Draft, rng: np.random.Generator) -> Draft:
    """Loading by a rating 10 % too high on one branch."""
    edge = draft.edge
    edge.loc[edge["branch"] == _busy_branch(draft, rng), "loading_pct"] /= 1.1
    return draft.with_tables(edge=edge)


def overflowed(draft: Draft, rng: np.random.Generator) -> Draft:
    """Loads in watts that went through 32 bits."""
    del rng
    watts = (draft.node["pd_mw"] * 1e8).to_numpy().astype(np.int64).astype(np.int32)
    return draft.with_tables(node=draft.node.assign(pd_mw=watts / 1e8))


def buses_in_another_order(draft: Draft, rng: np.random.Generator) -> Draft:
    """Values of half of the steps in another order of buses."""
    node = draft.node
    order = rng.permutation(draft.network.n_buses)
    names = ["pd_mw", "qd_mvar"]
    for step in range(0, draft.subject.n_steps, 2):
        at = node["step"] == step
        node.loc[at, names] = node.loc[at, names].to_numpy()[order]
    return draft.with_tables(node=node)


def one_cell(draft: Draft, rng: np.random.Generator) -> Draft:
    """One voltage angle changed by 0.001 degrees."""
    node = draft.node
    others = node.index[node["bus"] != draft.network.slack_bus]
    node.loc[rng.choice(others), "va_deg"] += 1e-3
    return draft.with_tables(node=node)


def one_bus_grows(draft: Draft, rng: np.random.Generator) -> Draft:
    """One load 8 % higher all the time, solved."""
    pd_mw, qd_mvar, _ = draft.inputs()
    bus = _at(draft, rng)
    for values in (pd_mw, qd_mvar):
        values[:, bus] *= 1.08
    return draft.solved(pd_mw, qd_mvar)


def noisy_meter(draft: Draft, rng: np.random.Generator) -> Draft:
    """One load with 2 % noise of its own, solved."""
    pd_mw, qd_mvar, _ = draft.inputs()
    pd_mw[:, _at(draft, rng)] *= rng.normal(1, 0.02, draft.subject.n_steps)
    return draft.solved(pd_mw, qd_mvar)


def smoothed(draft: Draft, rng: np.random.Generator) -> Draft:
    """Loads averaged over an hour, solved."""
    del rng
    pd_mw, qd_mvar, _ = draft.inputs()
    return draft.solved(*(pd.DataFrame(values).rolling(4, 1).mean().to_numpy() for values in (pd_mw, qd_mvar)))


def reversed_time(draft: Draft, rng: np.random.Generator) -> Draft:
    """Loads backwards in time, solved."""
    del rng
    pd_mw, qd_mvar, _ = draft.inputs()
    return draft.solved(pd_mw[::-1], qd_mvar[::-1])


def constant_power_factor(draft: Draft, rng: np.random.Generator) -> Draft:
    """Reactive load as a constant share of real load, solved."""
    del rng
    pd_mw, _, _ = draft.inputs()
    buses = draft.network.buses
    share = np.divide(buses.qd0_mvar, buses.pd0_mw, out=np.zeros(len(buses.bus)), where=buses.pd0_mw > 0)
    return draft.solved(pd_mw, np.where(buses.pd0_mw > 0, pd_mw * share, buses.qd0_mvar))


def unit_frozen(draft: Draft, rng: np.random.Generator) -> Draft:
    """Dispatch of one unit held at its mean, solved."""
    pd_mw, qd_mvar, pg_mw = draft.inputs()
    units = draft.network.generators
    moving = units.bus[~units.is_slack & (units.pg0_mw > 0)]
    bus = int(rng.choice(moving))
    pg_mw[:, bus] = pg_mw[:, bus].mean()
    return draft.solved(pd_mw, qd_mvar, pg_mw)


def units_lag(draft: Draft, rng: np.random.Generator) -> Draft:
    """Dispatch of the step before, solved."""
    del rng
    pd_mw, qd_mvar, pg_mw = draft.inputs()
    pg_mw[1:] = pg_mw[:-1].copy()
    return draft.solved(pd_mw, qd_mvar, pg_mw)


def sensor_bias(draft: Draft, rng: np.random.Generator) -> Draft:
    """All voltages of one bus 1e-4 pu too high."""
    node = draft.node
    node.loc[node["bus"] == _at(draft, rng), "vm_pu"] += 1e-4
    return draft.with_tables(node=node)


def parallel_branches_swapped(draft: Draft, rng: np.random.Generator) -> Draft:
    """Flows of two branches exchanged."""
    edge = draft.edge
    first, second = _busy_branch(draft, rng), _busy_branch(draft, rng)
    while second == first:
        second = _busy_branch(draft, rng)
    names = [*FLOWS, "loading_pct"]
    at_first = edge.loc[edge["branch"] == first, names].to_numpy()
    edge.loc[edge["branch"] == first, names] = edge.loc[edge["branch"] == second, names].to_numpy()
    edge.loc[edge["branch"] == second, names] = at_first
    return draft.with_tables(edge=edge)


def zeros_for_missing(draft: Draft, rng: np.random.Generator) -> Draft:
    """One load zero at one step, solved."""
    pd_mw, qd_mvar, _ = draft.inputs()
    step, bus = int(rng.integers(draft.subject.n_steps)), _at(draft, rng)
    pd_mw[step, bus] = qd_mvar[step, bus] = 0.0
    return draft.solved(pd_mw, qd_mvar)


def day_repeated(draft: Draft, rng: np.random.Generator) -> Draft:
    """The second half is the first with 0.01 % noise, solved."""
    pd_mw, qd_mvar, _ = draft.inputs()
    half = draft.subject.n_steps // 2
    for values in (pd_mw, qd_mvar):
        values[half : 2 * half] = values[:half] * rng.normal(1, 1e-4, values[:half].shape)
    return draft.solved(pd_mw, qd_mvar)


def naive_times(draft: Draft, rng: np.random.Generator) -> Draft:
    """Times without a time zone."""
    del rng
    return draft.with_tables(node=draft.node.assign(ts=draft.node["ts"].dt.tz_localize(None)))


def steps_from_one(draft: Draft, rng: np.random.Generator) -> Draft:
    """Steps counted from one, in both tables."""
    del rng
    node, edge = draft.node, draft.edge
    node["step"] += np.int32(1)
    edge["step"] += np.int32(1)
    return draft.with_tables(node=node, edge=edge)


def small_load_noise(draft: Draft, rng: np.random.Generator) -> Draft:
    """All loads with 0.3 % noise of their own, solved."""
    pd_mw, qd_mvar, _ = draft.inputs()
    return draft.solved(pd_mw * rng.normal(1, 3e-3, pd_mw.shape), qd_mvar)


def weekday_lost(draft: Draft, rng: np.random.Generator) -> Draft:
    """The level of a weekend from the middle on, solved."""
    del rng
    pd_mw, qd_mvar, _ = draft.inputs()
    for values in (pd_mw, qd_mvar):
        values[draft.subject.n_steps // 2 :] *= 0.94
    return draft.solved(pd_mw, qd_mvar)


UNSEEN: tuple[Apply, ...] = (
    branch_lags,
    noise_after_solve,
    hour_twice,
    kilovars,
    clipped,
    one_zone_shifted,
    whole_hour_shifted,
    summer_time,
    joined_off_by_one,
    voltages_joined_off_by_one,
    zone_frozen,
    hole_interpolated,
    quantised,
    reactive_sign,
    reactive_production_sign,
    slack_without_losses,
    rate_scaled,
    overflowed,
    buses_in_another_order,
    one_cell,
    one_bus_grows,
    noisy_meter,
    smoothed,
    reversed_time,
    constant_power_factor,
    unit_frozen,
    units_lag,
    sensor_bias,
    parallel_branches_swapped,
    zeros_for_missing,
    day_repeated,
    naive_times,
    steps_from_one,
    small_load_noise,
    weekday_lost,
)
