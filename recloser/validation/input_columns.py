"""Columns that say whether loads and dispatch can be what they claim: their time, size, ratio, pace and repetition."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from recloser.grid import frames, make_injections
from recloser.grid.loads import KW_PER_MW
from recloser.grid.request import LEVEL
from recloser.validation.facts import NotApplicableError
from recloser.validation.physics_columns import magnitude

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.grid.columns import Floats
    from recloser.validation.facts import Facts

BIG_LOAD_MW = 5.0
"""Below this base load, equal neighbours are chance: loads are whole kilowatts."""
_SNAPSHOT_DIGITS = 6
_REPLAY_STEPS = 10_000


def times(facts: Facts) -> Mapping[str, Floats]:
    """How far each row's time is from its step's, seconds."""
    expected = frames.timestamps(np.arange(facts.n_steps)).view(np.int64)[:, None]
    return {"ts_err_s": magnitude((facts.timestamps() - expected) / 1e9)}


def load_places(facts: Facts) -> Mapping[str, Floats]:
    """Load where the network has none, and load below zero."""
    pd, qd = facts.array("node", "pd_mw"), facts.array("node", "qd_mvar")
    buses = facts.network.buses
    p_away, q_away = buses.pd0_mw == 0, buses.qd0_mvar == 0
    loadless = np.maximum(np.where(p_away, magnitude(pd), 0.0), np.where(p_away & q_away, magnitude(qd), 0.0))
    return {"loadless_mva": loadless, "pd_below_zero_mw": magnitude(np.minimum(pd, 0.0))}


def load_factors(facts: Facts) -> Mapping[str, Floats]:
    """Load as a share of the base load of its bus, at the usual level; 1 where there is none."""
    base = facts.network.buses.pd0_mw * facts.subject.level / LEVEL
    has = base > 0
    factor = facts.array("node", "pd_mw") / np.where(has, base, 1.0)
    return {"load_factor": np.where(has, _or_infinite(factor), 1.0)}


def power_factors(facts: Facts) -> Mapping[str, Floats]:
    """Reactive per real load, relative to the base of its bus; 1 where either base is too small to say."""
    buses = facts.network.buses
    says = (buses.pd0_mw > 1) & (np.abs(buses.qd0_mvar) > 0.5)  # noqa: PLR2004 - of R18
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = facts.array("node", "qd_mvar") / facts.array("node", "pd_mw")
        relative = ratio / np.where(says, buses.qd0_mvar / np.where(says, buses.pd0_mw, 1.0), 1.0)
    return {"power_factor_ratio": np.where(says, _or_infinite(relative), 1.0)}


def ramps(facts: Facts) -> Floats:
    """Change of load since the last step as a share of the base load of its bus; 0 at the first step, [T, N]."""
    base = facts.network.buses.pd0_mw
    pd = facts.array("node", "pd_mw")
    change = np.abs(np.diff(pd, axis=0, prepend=pd[:1])) / np.where(base > 0, base, np.inf)
    return np.asarray(np.where(np.isfinite(pd) & np.isfinite(change), change, np.inf))


def runs(facts: Facts) -> Mapping[str, Floats]:
    """For how many steps each load has not moved, itself included; 1 at buses with a small load."""
    pd = facts.array("node", "pd_mw")
    steps = np.arange(facts.n_steps)[:, None]
    moved = np.ones(pd.shape, dtype=bool)
    moved[1:] = pd[1:] != pd[:-1]
    last_move = np.maximum.accumulate(np.where(moved, steps, 0), axis=0)
    return {"equal_steps": np.where(facts.network.buses.pd0_mw >= BIG_LOAD_MW, steps - last_move + 1.0, 1.0)}


def repeats(facts: Facts) -> Mapping[str, Floats]:
    """How often each snapshot of all loads is there."""
    snapshots = [row.tobytes() for row in np.round(facts.array("node", "pd_mw"), _SNAPSHOT_DIGITS) + 0.0]
    count = Counter(snapshots)
    return {"times_seen": np.array([count[snapshot] for snapshot in snapshots], dtype=np.float64)}


def replayed(facts: Facts) -> Mapping[str, Floats]:
    """How far the inputs are from those the request leads to, kW or kvar; only our own generator can be replayed."""
    request = facts.subject.request
    if request is None:
        raise NotApplicableError("the dataset is not said to come from recloser.grid")
    network, slack = facts.network, facts.network.slack_bus
    stored = [facts.array("node", name) * KW_PER_MW for name in ("pd_mw", "qd_mvar", "pg_mw")]
    worst = np.zeros(stored[0].shape)
    for block in make_injections(request, network, steps_at_once=_REPLAY_STEPS):
        rows = slice(block.first_step, block.first_step + block.n_steps)
        for values, made in zip(stored, (block.pd_kw, block.qd_kvar, block.pg_kw), strict=True):
            off = magnitude(values[rows] - made)
            if made is block.pg_kw:
                off[:, slack] = 0.0  # what the slack produces is a result
            worst[rows] = np.maximum(worst[rows], off)
    return {"replay_diff_kw": worst}


def _or_infinite(values: Floats) -> Floats:
    return np.where(np.isnan(values), np.inf, values)
