"""Switches that make this machine fail as AWS does; all off by default."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Faults:
    """What is in force."""

    host_loss: int = 0
    """How many of the next attempts that reach RUNNING lose their host."""

    def take_host_loss(self) -> bool:
        """Whether this attempt is one of them."""
        if self.host_loss == 0:
            return False
        self.host_loss -= 1
        return True

    def in_force(self) -> dict[str, int]:
        """The switches that are on."""
        return {"host_loss": self.host_loss} if self.host_loss else {}
