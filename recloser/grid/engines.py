"""Which engine solves: lightsim2grid where it is installed, numpy elsewhere."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from recloser.grid.chord import ChordNewton
from recloser.grid.lightsim import LightSim2Grid

if TYPE_CHECKING:
    from recloser.grid.networks import Network
    from recloser.grid.solution import Engine

EngineName = Literal["auto", "lightsim2grid", "chord-newton"]


def make_engine(network: Network, name: EngineName = "auto") -> Engine:
    """Make an engine for a network.

    Args:
        network: What is solved.
        name: `lightsim2grid`, `chord-newton`, or `auto` for the first that is installed.

    Raises:
        EngineMissingError: lightsim2grid was asked for and is not installed.
    """
    if name == "auto":
        name = "lightsim2grid" if find_spec("lightsim2grid") else "chord-newton"
    return LightSim2Grid(network) if name == "lightsim2grid" else ChordNewton(network)
