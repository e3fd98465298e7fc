"""What would overload if one branch failed: line outage factors of the DC power flow, for information.

An outage that would split the network has no factors and is left out. At most 64 steps, spread evenly, are looked at.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.grid import Network
    from recloser.grid.columns import Floats
    from recloser.validation.facts import Facts

_STEPS = 64
_BRIDGE = 1e-6


@lru_cache(maxsize=8)
def outage_factors(network: Network) -> Floats:
    """What share of a branch's flow each other one takes over, [E, E]: columns fail; NaN where that splits it."""
    branches = network.branches
    incidence = np.zeros((network.n_branches, network.n_buses))
    rows = np.arange(network.n_branches)
    incidence[rows, branches.from_bus], incidence[rows, branches.to_bus] = 1.0, -1.0
    weighted = incidence * (branches.in_service / (branches.x_pu * branches.tap))[:, None]
    keep = np.arange(network.n_buses) != network.slack_bus
    shift = np.zeros_like(incidence)
    shift[:, keep] = np.linalg.solve((incidence.T @ weighted)[np.ix_(keep, keep)].T, weighted[:, keep].T).T
    transfer = shift @ incidence.T
    rest = 1 - np.diag(transfer)
    factors = transfer / np.where(rest > _BRIDGE, rest, np.nan)
    np.fill_diagonal(factors, -1.0)
    return np.asarray(factors)


def outage_overload_share(facts: Facts) -> Mapping[str, float]:
    """The share of (step, outage) pairs that overload a branch that was not overloaded before."""
    flow = facts.finite("edge", "pf_mw")
    flow = flow[np.unique(np.linspace(0, len(flow) - 1, _STEPS).astype(int))]
    factors = outage_factors(facts.network)
    rated = facts.network.branches.rate_mva
    before = np.abs(flow) > rated
    overloaded = np.zeros((len(flow), flow.shape[1]), dtype=bool)
    for outage in np.flatnonzero(np.isfinite(factors).all(axis=0)):
        after = np.abs(flow + factors[:, outage] * flow[:, [outage]]) > rated
        overloaded[:, outage] = (after & ~before).any(axis=1)
    return {"outage_overload_share": float(overloaded.mean())}
