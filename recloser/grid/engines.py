"""Which engine solves: lightsim2grid where it is installed, numpy elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from recloser.grid.chord import ChordNewton
from recloser.grid.errors import EngineMissingError
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
    if name == "chord-newton":
        return ChordNewton(network)
    try:
        return LightSim2Grid(network)
    except EngineMissingError:
        if name == "auto":
            return ChordNewton(network)
        raise
