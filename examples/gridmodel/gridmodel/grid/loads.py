"""Loads over time: a day and a week, with noise that is correlated in time and between neighbours.

pd = pd0 · 0.85 · day · week · (1 + global) · (1 + zone) · (1 + bus); qd is the same with a power-factor noise on top.
Every source of noise draws from a stream of its own, so that a new one would shift none of the others.
"""

from dataclasses import dataclass

import numpy as np

STEP_H = 0.25
START = np.datetime64("2024-01-01T00:00:00")  # a Monday
LEVEL = 0.85
ZONES = 4
SATURDAY = 5
KW_PER_MW = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Injections:
    """What is put in and taken out, steps x buses, whole kW and kvar; the slack's share of `pg_mw` is only a start."""

    pd_mw: np.ndarray
    qd_mvar: np.ndarray
    pg_mw: np.ndarray


def make(network, n_steps, seed):
    """Loads and dispatch of a network: the same for the same arguments, on any machine.

    Args:
        network: The network whose base loads are varied.
        n_steps: Quarters of an hour from `START` on.
        seed: Any integer from 0.
    """
    n_buses = network.n_buses
    streams = np.random.SeedSequence([seed, n_buses, n_steps]).spawn(4)
    for_all, per_zone, per_bus, factor = (np.random.Generator(np.random.PCG64(stream)) for stream in streams)
    zone = ZONES * np.arange(n_buses) // n_buses
    relative = (
        (LEVEL * _calendar(n_steps))[:, None]
        * (1 + _noise(for_all, n_steps, 1, rho=0.98, sigma=0.02))
        * (1 + _noise(per_zone, n_steps, ZONES, rho=0.97, sigma=0.015))[:, zone]
        * (1 + _noise(per_bus, n_steps, n_buses, rho=0.90, sigma=0.01))
    )
    reactive = relative * (1 + _noise(factor, n_steps, n_buses, rho=0.95, sigma=0.02))
    pd_mw = _whole_kw(relative * network.buses["pd0_mw"].to_numpy())
    qd_mvar = _whole_kw(reactive * network.buses["qd0_mvar"].to_numpy())
    return Injections(pd_mw, qd_mvar, _dispatch(network, pd_mw))


def _calendar(n_steps):
    hours = STEP_H * np.arange(n_steps)
    hour = hours % 24
    day = 1 + 0.13 * np.sin(2 * np.pi * (hour - 9) / 24) + 0.05 * np.sin(4 * np.pi * (hour - 7) / 24)
    return day * np.where(hours // 24 % 7 >= SATURDAY, 0.94, 1.0)


def _noise(generator, n_steps, width, *, rho, sigma):
    """First-order autoregressive noise, steps x width, with standard deviation `sigma` from the first step on."""
    noise = sigma * generator.standard_normal((n_steps, width))
    noise[1:] *= np.sqrt(1 - rho**2)
    for step in range(1, n_steps):
        noise[step] += rho * noise[step - 1]
    return noise


def _dispatch(network, pd_mw):
    """Base dispatch in proportion to the load, within the units' limits."""
    units = network.generators
    share = pd_mw.sum(axis=1) / network.buses["pd0_mw"].sum()
    power = np.clip(
        share[:, None] * units["pg0_mw"].to_numpy(), units["pmin_mw"].to_numpy(), units["pmax_mw"].to_numpy()
    )
    at_buses = np.zeros_like(pd_mw)
    np.add.at(at_buses.T, units["bus"].to_numpy(), power.T)
    return _whole_kw(at_buses)


def _whole_kw(power):
    # The numerical libraries may differ in the last bit from one machine to the next; whole kW do not.
    return np.rint(power * KW_PER_MW) / KW_PER_MW
