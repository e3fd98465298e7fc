"""How a service is asked, as it declares it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recloser.services import postgresql, probe
from recloser.services.ports import reachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from recloser.services.group import Launch
    from recloser.services.probe import Answer
    from recloser.target import Service

_TIMEOUT_S, _INTERVAL_S = 0.4, 0.2
_COMMAND_TIMEOUT_S, _COMMAND_INTERVAL_S = 5.0, 1.0


@dataclass(frozen=True, slots=True)
class Question:
    """The question whether a service is up."""

    service: Service
    command: Callable[[tuple[str, ...]], Launch]
    """Makes what is run of an argument vector."""

    @property
    def interval_s(self) -> float:
        """From one question to the next."""
        usual = _COMMAND_INTERVAL_S if isinstance(self.service.test, tuple) else _INTERVAL_S
        return self.service.healthcheck.interval_s or usual

    def ask(self, port: int | None) -> Answer:
        """Ask once.

        Args:
            port: Where it listens, if anywhere.
        """
        test, limit_s = self.service.test, self.service.healthcheck.timeout_s
        if isinstance(test, tuple):
            return probe.ask_command(self.command(test), limit_s or _COMMAND_TIMEOUT_S)
        host, port, limit_s = reachable(self.service.host), port or 0, limit_s or _TIMEOUT_S
        if test == "tcp":
            return probe.ask_tcp(host, port, limit_s)
        if test == "postgresql":
            return probe.ask_postgresql(host, port, postgresql.USER, limit_s)
        return probe.ask_http(host, port, self.service.health, self.service.expect, limit_s)
