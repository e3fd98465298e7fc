"""One start of a service, asked again and again until it fails."""

from __future__ import annotations

import contextlib
import signal
import time
from typing import TYPE_CHECKING, NoReturn

from recloser.services.effort import effort
from recloser.services.errors import GivenUpError, NotStartedError
from recloser.services.patience import Pulse
from recloser.values import Judgement

if TYPE_CHECKING:
    from collections.abc import Callable

    from recloser.services.group import Group
    from recloser.services.launcher import Launcher
    from recloser.services.tally import Tally
    from recloser.target import Service

_FIRST_PAUSE_S, _PAUSE_GROWTH = 0.01, 1.3
_FOREVER_S = 3_600.0
_UNASKED = "nobody can tell whether it is up: its `healthcheck` asks nothing"


class Vigil:
    """Asks a service, and counts what it hears."""

    def __init__(
        self, service: Service, launcher: Launcher, tally: Tally, pause: Callable[[float], None], up: Callable[[], None]
    ) -> None:
        """Prepare.

        Args:
            service: Its declaration.
            launcher: Asks it.
            tally: Keeps the counts.
            pause: Waits so many seconds, or shorter when the service ends; raises when the run is over.
            up: Called when nobody needs to wait for it any longer.
        """
        self._service, self._launcher, self._tally = service, launcher, tally
        self._pause, self._up = pause, up

    def watch(self, group: Group) -> str:
        """Watch one start of it until it fails; why it did.

        Raises:
            NotStartedError: It never answered in the time it has.
            GivenUpError: It answered, but never as it should.
        """
        if self._service.test == "none":
            self._launcher.answers(group)
            self._leave_unasked()
            while not group.has_ended:
                self._pause(_FOREVER_S)
            return _how_it_ended(group)
        return self._come_up(group) or self._stay_up(group)

    def look_on(self) -> NoReturn:
        """Ask what another process of ours runs, until the run is over; it is that one's to start again."""
        if self._service.test == "none":
            self._leave_unasked()
            while True:
                self._pause(_FOREVER_S)
        self._tally.answered()
        self._up()
        missed = 0
        while True:
            self._pause(self._launcher.interval_s)
            answer = self._launcher.ask()
            missed = 0 if answer.up else missed + 1
            self._count(up=answer.up)
            if missed >= self._service.healthcheck.retries:
                self._fell(f"another process runs it, and it is not up: {answer.said}")

    def _leave_unasked(self) -> None:
        self._tally.judge(Judgement.NOT_VERIFIED, _UNASKED)
        self._up()

    def _come_up(self, group: Group) -> str:
        """Wait until it is up; why it ended before, if it did."""
        deadline, pause = time.monotonic() + self._service.start_s, _FIRST_PAUSE_S
        came = False
        while True:
            answer = self._launcher.ask()
            self._pause(0)
            if group.has_ended:
                return f"{_how_it_ended(group)} before it was up"
            self._count(up=answer.up)
            if answer.up:
                self._up()
                self._launcher.answers(group)
                return ""
            came = came or answer.came
            if time.monotonic() > deadline:
                kind = GivenUpError if came else NotStartedError
                raise kind(f"it is not up after {self._service.start_s:g} s: {answer.said}")
            self._pause(pause)
            pause = min(pause * _PAUSE_GROWTH, self._launcher.interval_s)

    def _stay_up(self, group: Group) -> str:
        """Ask it again and again; why it failed in the end.

        What answers, but not as it should, is down, but it does not hang: it is not started again for that.
        """
        check = self._service.healthcheck
        pulse, wrong, asked_at = Pulse(check.retries, check.busy_s), 0, time.monotonic()
        while True:
            self._pause(asked_at + self._launcher.interval_s - time.monotonic())
            if group.has_ended:
                return _how_it_ended(group)
            asked_at = time.monotonic()
            answer = self._launcher.ask()
            self._count(up=answer.up)
            wrong = 0 if answer.up else wrong + 1
            if answer.came:
                pulse.answered()
                if wrong >= check.retries:
                    self._fell(answer.said)
            elif pulse.missed(time.monotonic(), lambda: effort(group.leader)):
                return f"it hung: {answer.said}"

    def _count(self, *, up: bool) -> None:
        if up:
            self._tally.answered()
        else:
            self._tally.missed()

    def _fell(self, why: str) -> None:
        self._tally.fell(self._launcher.told(why))


def _how_it_ended(group: Group) -> str:
    if group.code is None:
        return "its guardian was killed"
    if group.code >= 0:
        return f"it ended with exit code {group.code}"
    with contextlib.suppress(ValueError):
        return f"it was ended by {signal.Signals(-group.code).name}"
    return f"it was ended by signal {-group.code}"
