"""One service for the length of a run, in a thread of its own: taken up or started, watched, started again, ended."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING

from recloser.services.errors import GivenUpError, NotStartedError
from recloser.services.group import readable
from recloser.services.launcher import Launcher, effort
from recloser.services.patience import Pulse, Restarts, pause_s
from recloser.services.tally import Tally
from recloser.values import Judgement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recloser.services.group import Group
    from recloser.services.launcher import Site
    from recloser.target import Service
    from recloser.values import ServiceRun

_FIRST_PAUSE_S, _PAUSE_GROWTH = 0.01, 1.3
_TURN_S = 0.05
_FOREVER_S = 3_600.0


class _StoppedError(Exception):
    """The run is over; not an error of anything."""


class Watch:
    """Keeps one service up until it is told to stop."""

    def __init__(self, name: str, service: Service, site: Site, needed: Sequence[Watch]) -> None:
        """Begin; those it needs are waited for.

        Args:
            name: What the service is called.
            service: Its declaration.
            site: Where it lives.
            needed: Those of the services it needs.
        """
        self.name, self.url_env = name, service.url_env
        self._service, self._site, self._needed = service, site, tuple(needed)
        self._users: list[Watch] = []
        self._tally = Tally(name)
        self._restarts = Restarts(service.restarts, service.restart_window_s)
        self._settled, self._over, self._stopping = threading.Event(), threading.Event(), threading.Event()
        self._wake, self._waker = socket.socketpair()
        self._group: Group | None = None
        self._launcher: Launcher | None = None
        for other in self._needed:
            other._users.append(self)  # noqa: SLF001 - of the same class
        threading.Thread(target=self._run, name=f"service {name}", daemon=True).start()

    @property
    def up(self) -> bool:
        """Whether it answers."""
        return self._tally.up

    @property
    def url(self) -> str:
        """Where its users find it once it has been up; empty where it has no address."""
        return self._launcher.url if self._launcher is not None else ""

    def wait_settled(self) -> None:
        """Wait until it is up, or has been given up."""
        self._settled.wait()

    def ask_to_stop(self) -> None:
        """Let it end once those who need it have; returns at once."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._waker.send(b"\n")

    def wait_over(self) -> None:
        """Wait until it has ended, and let go of it."""
        self._over.wait()
        self._wake.close()
        self._waker.close()

    def result(self) -> ServiceRun:
        """What it has come to so far."""
        return self._tally.run(self._launcher.log.tail() if self._launcher is not None else "")

    def _run(self) -> None:
        try:
            self._live()
        except _StoppedError:
            pass
        except NotStartedError as error:
            self._tally.judge(Judgement.NOT_VERIFIED, str(error))
        except GivenUpError as error:
            self._tally.judge(Judgement.FAILED, str(error))
        except Exception as error:  # noqa: BLE001 - one that breaks must not leave the others waiting
            self._tally.judge(Judgement.NOT_VERIFIED, f"it could not be watched: {error!r}")
        finally:
            self._tally.ended()
            self._settled.set()
            self._finish()
            self._over.set()

    def _live(self) -> None:
        self._launcher = launcher = Launcher(self.name, self._service, self._site, self._urls_of_needed())
        group = self._start_or_adopt(launcher)
        if group is None:
            self._look_on(launcher)
        else:
            self._keep_up(launcher, group)

    def _urls_of_needed(self) -> dict[str, str]:
        urls = {}
        for other in self._needed:
            other.wait_settled()
            self._pause(0)
            if not other.up:
                raise NotStartedError(f"it needs {other.name}, which is not up: {other.result().reason}")
            if other.url_env is not None:
                urls[other.url_env] = other.url
        return urls

    def _start_or_adopt(self, launcher: Launcher) -> Group | None:
        """What was started; None where it runs already and is ours."""
        self._tally.began()
        deadline = time.monotonic() + self._service.start_s
        while True:
            with self._site.records.alone(self.name) as alone:
                record = launcher.running() if alone else None
                if alone and record is None:
                    launcher.prepare()
                    return self._start(launcher)
            if record is not None and launcher.adopt(record):
                self._tally.began(adopted=True)
                return None
            if time.monotonic() > deadline:
                who = f"process {record.supervisor.pid}" if record is not None else "somebody else"
                raise NotStartedError(f"{who} runs it, and it is not healthy after {self._service.start_s:g} s")
            self._pause(_TURN_S)

    def _start(self, launcher: Launcher) -> Group:
        self._group = launcher.start()
        return self._group

    def _keep_up(self, launcher: Launcher, group: Group) -> None:
        """Start it again whenever it fails, until it does so too often."""
        while True:
            why = launcher.told(self._fail_at_last(launcher, group))
            self._tally.fell(why)
            launcher.log.note(why)
            group.end(0)
            launcher.log.end()
            if not self._restarts.allowed(time.monotonic()):
                raise GivenUpError(self._crash_loop(why))
            self._tally.restarted()
            self._pause(pause_s(self._restarts.recent - 1))
            group = self._start(launcher)

    def _crash_loop(self, why: str) -> str:
        window = f" within {self._service.restart_window_s:g} s" if self._service.restart_window_s else ""
        return f"crash loop: it was started again {self._restarts.recent} times{window}, and {why}"

    def _fail_at_last(self, launcher: Launcher, group: Group) -> str:
        """Watch one start of it; why it did not last."""
        if self._service.test != "none":
            return self._come_up(launcher, group) or self._stay_up(launcher, group)
        self._tally.judge(Judgement.NOT_VERIFIED, "nobody can tell whether it is up: its `healthcheck` asks nothing")
        self._settled.set()
        while not group.has_ended:
            self._pause(_FOREVER_S)
        return _how_it_ended(group)

    def _come_up(self, launcher: Launcher, group: Group) -> str:
        """Wait until it is up; why it ended before, if it did."""
        deadline, pause = time.monotonic() + self._service.start_s, _FIRST_PAUSE_S
        came = False
        while True:
            answer = launcher.ask()
            self._pause(0)
            if group.has_ended:
                return f"{_how_it_ended(group)} before it was up"
            if answer.up:
                self._tally.answered()
                self._settled.set()
                launcher.answers(group)
                return ""
            self._tally.missed()
            came = came or answer.came
            if time.monotonic() > deadline:
                kind = GivenUpError if came else NotStartedError
                raise kind(launcher.told(f"it is not up after {self._service.start_s:g} s: {answer.said}"))
            self._pause(pause)
            pause = min(pause * _PAUSE_GROWTH, launcher.interval_s)

    def _stay_up(self, launcher: Launcher, group: Group) -> str:
        """Ask it again and again; why it failed in the end.

        What answers, but not as it should, is not started again: that it hangs is not the reason.
        """
        check = self._service.healthcheck
        pulse, wrong, asked_at = Pulse(check.retries, check.busy_s), 0, time.monotonic()
        while True:
            self._pause(asked_at + launcher.interval_s - time.monotonic())
            if group.has_ended:
                return _how_it_ended(group)
            asked_at = time.monotonic()
            answer = launcher.ask()
            wrong = 0 if answer.up else wrong + 1
            if answer.up:
                self._tally.answered()
            else:
                self._tally.missed()
            if answer.came:
                pulse.answered()
                if wrong >= check.retries:
                    self._tally.fell(launcher.told(answer.said))
            elif pulse.missed(time.monotonic(), lambda: effort(group.leader)):
                return f"it hung: {answer.said}"

    def _look_on(self, launcher: Launcher) -> None:
        """Ask what another process of ours runs; it is that one's to start again."""
        self._tally.answered()
        self._settled.set()
        missed = 0
        while True:
            self._pause(launcher.interval_s)
            answer = launcher.ask()
            if answer.up:
                missed = 0
                self._tally.answered()
                continue
            missed += 1
            self._tally.missed()
            if missed >= self._service.healthcheck.retries:
                self._tally.fell(launcher.told(f"another process runs it, and it is not up: {answer.said}"))

    def _pause(self, seconds: float) -> None:
        """Wait, but not longer than until the run is over or the service says something."""
        group = self._group
        watched = [self._wake.fileno()]
        if group is not None and not group.has_ended:
            watched.append(group.fileno())
        readable(watched, seconds)
        if self._stopping.is_set():
            raise _StoppedError
        if group is not None:
            group.hear()

    def _finish(self) -> None:
        for user in self._users:
            user._over.wait()  # noqa: SLF001 - of the same class
        with contextlib.suppress(OSError):
            if self._group is not None:
                self._group.end(self._service.stop_s)
        if self._launcher is not None:
            self._launcher.clean()


def _how_it_ended(group: Group) -> str:
    if group.code is None:
        return "its guardian was killed"
    if group.code >= 0:
        return f"it ended with exit code {group.code}"
    with contextlib.suppress(ValueError):
        return f"it was ended by {signal.Signals(-group.code).name}"
    return f"it was ended by signal {-group.code}"
