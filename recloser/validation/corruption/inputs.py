"""Faults of the inputs, solved again: the physics is consistent, the loads are not what they should be (C18 to C50)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recloser.grid import generate_dataset, request_dataset
from recloser.validation.corruption.draft import Draft, draft_of
from recloser.validation.corruption.numbers import two_loads

if TYPE_CHECKING:
    from recloser.grid.columns import Floats

_FROZEN_STEPS = 12
_STALE_STEPS = 10


def steps_permuted(draft: Draft, rng: np.random.Generator) -> Draft:
    """Steps permuted, re-solved."""
    order = rng.permutation(draft.subject.n_steps)
    pd, qd, _ = draft.inputs()
    return draft.solved(pd[order], qd[order])


def stale_steps(draft: Draft, rng: np.random.Generator) -> Draft:
    """Ten stale steps, re-solved."""
    pd, qd, _ = draft.inputs()
    first = int(rng.integers(1, draft.subject.n_steps - _STALE_STEPS))
    for values in (pd, qd):
        values[first : first + _STALE_STEPS] = values[first - 1]
    return draft.solved(pd, qd)


def bus_frozen(draft: Draft, rng: np.random.Generator) -> Draft:
    """One bus frozen for 12 steps, re-solved."""
    pd, qd, _ = draft.inputs()
    first = int(rng.integers(0, draft.subject.n_steps - _FROZEN_STEPS))
    bus = rng.choice(draft.load_buses())
    for values in (pd, qd):
        values[first : first + _FROZEN_STEPS, bus] = values[first, bus]
    return draft.solved(pd, qd)


def spike_of_three(draft: Draft, rng: np.random.Generator) -> Draft:
    """One load x 3 at one step, re-solved."""
    return _spike(draft, rng, 3.0)


def spike_of_a_third(draft: Draft, rng: np.random.Generator) -> Draft:
    """One load x 1.3 at one step, re-solved."""
    return _spike(draft, rng, 1.3)


def buses_exchanged_and_solved(draft: Draft, rng: np.random.Generator) -> Draft:
    """Two buses exchanged, re-solved."""
    pd, qd, _ = draft.inputs()
    first, second = two_loads(draft, rng)
    for values in (pd, qd):
        values[:, [first, second]] = values[:, [second, first]]
    return draft.solved(pd, qd)


def unit_beyond_limit(draft: Draft, rng: np.random.Generator) -> Draft:
    """One unit at 1.5 x pmax, re-solved."""
    pd, qd, pg = draft.inputs()
    units = draft.network.generators
    bounded = np.flatnonzero(~units.is_slack & (units.pmax_mw > 1))
    unit = bounded[np.argsort(units.pmax_mw[bounded])][int(rng.integers(max(1, len(bounded) // 2)))]
    pg[:, units.bus[unit]] = 1.5 * units.pmax_mw[unit]
    return draft.solved(pd, qd, pg)


def level_raised(draft: Draft, rng: np.random.Generator) -> Draft:
    """Level + 5 %, re-solved."""
    del rng
    return _scaled(draft, np.array([[1.05]]))


def drift(draft: Draft, rng: np.random.Generator) -> Draft:
    """Linear drift + 8 %, re-solved."""
    del rng
    return _scaled(draft, np.linspace(1.0, 1.08, draft.subject.n_steps)[:, None])


def independent_loads(draft: Draft, rng: np.random.Generator) -> Draft:
    """Independent loads, same mean, re-solved."""
    pd, qd, _ = draft.inputs()
    mean = pd.mean(axis=0)
    share = np.divide(qd, pd, out=np.zeros_like(qd), where=pd > 0)
    drawn = np.maximum(mean * (1 + rng.normal(0, 0.1, pd.shape)), 0.5 * mean)
    return draft.solved(drawn, np.where(pd > 0, drawn * share, qd))


def another_seed(draft: Draft, rng: np.random.Generator) -> Draft:
    """Another seed's set."""
    subject = draft.subject
    request = request_dataset(subject.case, subject.n_steps, seed=int(rng.integers(2**40)), level=subject.level)
    other = draft_of(generate_dataset(request))
    return draft.solved(*other.inputs())


def _spike(draft: Draft, rng: np.random.Generator, factor: float) -> Draft:
    pd, qd, _ = draft.inputs()
    step, bus = int(rng.integers(1, draft.subject.n_steps - 1)), rng.choice(draft.load_buses())
    for values in (pd, qd):
        values[step, bus] *= factor
    return draft.solved(pd, qd)


def _scaled(draft: Draft, factor: Floats) -> Draft:
    pd, qd, _ = draft.inputs()
    return draft.solved(pd * factor, qd * factor)
