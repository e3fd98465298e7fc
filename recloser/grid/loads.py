"""The load model: what each bus draws and each unit is told to produce, step by step.

Loads move with the hour, the weekday, the whole system, their zone and on their own. All values are whole kilowatts
and kilovars before anything is solved, so that the same request gives the same bytes on every machine: integers add
up exactly in any order, the calendar is rounded away from the last bits of the sine, and the rest are single
multiplications in a fixed order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recloser.grid.request import DT_MIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from recloser.grid.columns import Floats, Ints
    from recloser.grid.networks import Network
    from recloser.grid.request import DatasetRequest

BIT_GENERATOR = "PCG64"
STREAMS = ("global", "zone", "bus", "q")
ZONES = 4
KW_PER_MW = 1000
_RHO = {"global": 0.98, "zone": 0.97, "bus": 0.90, "q": 0.95}
_SIGMA = {"global": 0.02, "zone": 0.015, "bus": 0.01, "q": 0.02}
_WEEKEND = 0.94
_STEPS_A_DAY = 24 * 60 // DT_MIN
_FIRST_WEEKEND_DAY, _DAYS_A_WEEK = 5, 7  # 2024-01-01 is a Monday


@dataclass(frozen=True, slots=True, eq=False)
class Injections:
    """The inputs of consecutive steps, in whole kW and kvar, each of shape [T, N].

    `pg_kw` is the dispatch at the bus of each unit. At the slack it is 0: what the slack produces is a result.
    """

    first_step: int
    pd_kw: Ints
    qd_kvar: Ints
    pg_kw: Ints

    @property
    def n_steps(self) -> int:
        """Number of steps, T."""
        return len(self.pd_kw)

    @property
    def pd_mw(self) -> Floats:
        """Real power drawn, MW."""
        return self.pd_kw / KW_PER_MW

    @property
    def qd_mvar(self) -> Floats:
        """Reactive power drawn, Mvar."""
        return self.qd_kvar / KW_PER_MW

    @property
    def pg_mw(self) -> Floats:
        """Real power dispatched, MW; 0 at the slack."""
        return self.pg_kw / KW_PER_MW


def make_injections(request: DatasetRequest, network: Network, *, steps_at_once: int) -> Iterator[Injections]:
    """Make the inputs a request asks for, in blocks; the values do not depend on the size of the blocks.

    Args:
        request: What is asked for.
        network: Its network.
        steps_at_once: Steps of a block; the last one may be shorter.
    """
    noise = _Noise(request, network)
    for first in range(0, request.n_steps, steps_at_once):
        steps = np.arange(first, min(first + steps_at_once, request.n_steps))
        pd_kw, qd_kvar = _loads(network, _calendar(steps) * request.level, noise.draw(len(steps)))
        yield Injections(first_step=first, pd_kw=pd_kw, qd_kvar=qd_kvar, pg_kw=_dispatch(network, pd_kw))


def quantise(mw: Floats) -> Ints:
    """Round MW (or Mvar) to whole kW (or kvar)."""
    return np.rint(mw * KW_PER_MW).astype(np.int64)


class _Noise:
    """AR(1) noise of the system (1 column), the zones (4), the buses (N) and the power factors (N).

    Each source draws from its own stream, so that another source would shift none of these. The first value comes from
    the stationary distribution, whose standard deviation is the source's sigma.
    """

    def __init__(self, request: DatasetRequest, network: Network) -> None:
        widths = {"global": 1, "zone": ZONES, "bus": network.n_buses, "q": network.n_buses}
        seeds = np.random.SeedSequence([request.seed, network.n_buses, request.n_steps]).spawn(len(STREAMS))
        self._streams = [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]
        self._widths = [widths[name] for name in STREAMS]
        self._rho = np.repeat([_RHO[name] for name in STREAMS], self._widths)
        self._sigma = np.repeat([_SIGMA[name] for name in STREAMS], self._widths)
        self._innovation = np.repeat([_SIGMA[name] * math.sqrt(1 - _RHO[name] ** 2) for name in STREAMS], self._widths)
        self._last: Floats | None = None

    def draw(self, n_steps: int) -> list[Floats]:
        """The next steps of each source, [T, width]."""
        streams = zip(self._streams, self._widths, strict=True)
        noise = np.hstack([stream.standard_normal((n_steps, width)) for stream, width in streams])
        start = 0
        if self._last is None:
            self._last = noise[0] * self._sigma
            noise[0] = self._last
            start = 1
        noise[start:] *= self._innovation
        for step in range(start, n_steps):
            noise[step] += self._rho * self._last
            self._last = noise[step]
        self._last = self._last.copy()
        return np.split(noise, np.cumsum(self._widths)[:-1], axis=1)


def _loads(network: Network, profile: Floats, noise: list[Floats]) -> tuple[Ints, Ints]:
    system, zone, bus, power_factor = noise
    zone_of_bus = ZONES * network.buses.bus // network.n_buses
    share = (profile[:, None] * (1 + system)) * (1 + zone)[:, zone_of_bus] * (1 + bus)
    pd_kw = quantise(network.buses.pd0_mw * share)
    qd_kvar = quantise(network.buses.qd0_mvar * share * (1 + power_factor))
    return pd_kw, qd_kvar


def _dispatch(network: Network, pd_kw: Ints) -> Ints:
    units = network.generators
    total_kw = quantise(network.buses.pd0_mw).sum()
    share = pd_kw.sum(axis=1) / total_kw
    wanted = np.rint(quantise(units.pg0_mw) * share[:, None])
    pg_kw = np.zeros_like(pd_kw)
    pg_kw[:, units.bus] = np.clip(wanted, quantise(units.pmin_mw), quantise(units.pmax_mw))
    pg_kw[:, network.slack_bus] = 0
    return pg_kw


def _calendar(steps: NDArray[np.int64]) -> Floats:
    day, step_of_day = np.divmod(steps, _STEPS_A_DAY)
    weekend = day % _DAYS_A_WEEK >= _FIRST_WEEKEND_DAY
    return np.asarray(_DAY[step_of_day] * np.where(weekend, _WEEKEND, 1.0))


def _day_factor(hour: float) -> float:
    morning = 0.13 * math.sin(2 * math.pi * (hour - 9) / 24)
    evening = 0.05 * math.sin(4 * math.pi * (hour - 7) / 24)
    return round(1 + morning + evening, 12)  # the last bits of a sine are the C library's own


_DAY = np.array([_day_factor(step * DT_MIN / 60) for step in range(_STEPS_A_DAY)])
