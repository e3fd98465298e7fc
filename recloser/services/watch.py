"""One service for the length of a run, in a thread of its own: taken up or started, watched, started again, ended."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, NoReturn

from recloser.services.errors import GivenUpError, NotStartedError
from recloser.services.group import readable
from recloser.services.launcher import Launcher
from recloser.services.patience import Restarts, pause_s
from recloser.services.tally import Tally
from recloser.services.vigil import Vigil
from recloser.values import Judgement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recloser.services.group import Group
    from recloser.services.launcher import Site
    from recloser.target import Service
    from recloser.values import ServiceRun

_TURN_S = 0.05


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
        self._lost = False
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
            self._settle()
            for user in self._users:
                user._over.wait()  # noqa: SLF001 - of the same class
        except NotStartedError as error:
            self._settle(Judgement.NOT_VERIFIED, str(error))
        except GivenUpError as error:
            self._settle(Judgement.FAILED, str(error))
        except Exception as error:  # noqa: BLE001 - one that breaks must not leave the others waiting
            self._settle(Judgement.NOT_VERIFIED, f"it could not be watched: {error!r}")
        finally:
            try:
                self._end()
            finally:
                self._over.set()

    def _settle(self, judgement: Judgement | None = None, reason: str = "") -> None:
        """It will not come up any more, and if there is a verdict it is this."""
        if judgement is not None:
            told = self._launcher.told(reason) if self._launcher is not None else reason
            self._tally.judge(judgement, told)
        self._tally.ended()
        self._lost = True
        self._settled.set()

    def _live(self) -> None:
        self._launcher = launcher = Launcher(self.name, self._service, self._site, self._urls_of_needed())
        group = self._start_or_adopt(launcher)
        vigil = Vigil(self._service, launcher, self._tally, self._pause, self._settled.set)
        if group is None:
            vigil.look_on()
        self._keep_up(vigil, launcher, group)

    def _urls_of_needed(self) -> dict[str, str]:
        urls = {}
        for other in self._needed:
            other.wait_settled()
            if not self._waited_for(other):
                raise NotStartedError(f"it needs {other.name}, which is not up: {other.result().reason}")
            if other.url_env is not None:
                urls[other.url_env] = other.url
        return urls

    def _waited_for(self, other: Watch) -> bool:
        """Whether another one is up; where it is just being started again, that is waited for."""
        deadline = time.monotonic() + other._service.start_s
        self._pause(0)
        while not other.up and not other._lost and time.monotonic() < deadline:
            self._pause(_TURN_S)
        return other.up

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

    def _keep_up(self, vigil: Vigil, launcher: Launcher, group: Group) -> NoReturn:
        """Start it again whenever it fails, until it does so too often."""
        while True:
            why = launcher.told(vigil.watch(group))
            self._tally.fell(why)
            launcher.log.note(why)
            launcher.end(group, 0)
            if not self._restarts.allowed(time.monotonic()):
                raise GivenUpError(self._crash_loop(why))
            self._tally.restarted()
            self._pause(pause_s(self._restarts.recent - 1))
            group = self._start(launcher)

    def _crash_loop(self, why: str) -> str:
        if not self._restarts.recent:
            return why
        window = f" within {self._service.restart_window_s:g} s" if self._service.restart_window_s else ""
        return f"crash loop: it was started again {self._restarts.recent} times{window}, and {why}"

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

    def _end(self) -> None:
        launcher, group = self._launcher, self._group
        if launcher is not None and group is not None:
            launcher.end(group, self._service.stop_s)
        if launcher is not None:
            launcher.clean()
