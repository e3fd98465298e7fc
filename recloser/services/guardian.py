"""The process between us and a service: nothing of the service outlives it, and it does not outlive us.

A program of its own that needs little of the standard library, so that it starts in milliseconds. It is told what to
run by its arguments and its standard input, and answers on a descriptor. It ends the service when it is told to, when
its input ends, or when the process that started it is gone; and it ends itself only when all descendants of the service
are. On Linux it adopts those whose parents died, so that none can hide by leaving its group or its session, and the
kernel kills the service should even the guardian be killed: it has one thread, so that signal is not sent early.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import time

TYPE_CHECKING = False  # `typing` would cost a third of the start
if TYPE_CHECKING:
    from collections.abc import Iterable

_STDIN = 0
_LINUX = sys.platform == "linux"
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
_AGAIN_S = 0.02
_LOOK_S = 0.5
# Python ignores these two; a service must not inherit that.
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ)
_ENDING = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


class Terms:
    """Numbers that come as arguments."""

    def __init__(self, supervisor: str, stop_signal: str, orphan_s: str, user: str, group: str) -> None:
        """Read them.

        Args:
            supervisor: The process that gives the order.
            stop_signal: What asks the service to end.
            orphan_s: How long it may take to end once that process is gone.
            user: Id it runs under, negative for ours.
            group: The same of its group.
        """
        self.supervisor, self.stop_signal, self.orphan_s = int(supervisor), int(stop_signal), float(orphan_s)
        self.user, self.group = int(user), int(group)


class Guardian:
    """Runs one command and sees to its end."""

    def __init__(self, command: list[str], status: int, terms: Terms) -> None:
        """Take the order.

        Args:
            command: What to run.
            status: Descriptor to answer on, in lines: `pid NUMBER` or `error TEXT`, then `code NUMBER`.
            terms: On which it is kept.
        """
        self._command, self._status, self._terms = command, status, terms
        self._poll = select.poll()
        self._poll.register(_STDIN, select.POLLIN)
        self._signals = _signals()
        self._poll.register(self._signals, select.POLLIN)
        self._pidfd = _pidfd(terms.supervisor)
        if self._pidfd is not None:
            self._poll.register(self._pidfd, select.POLLIN)
        self._main = 0
        self._code: int | None = None
        self._asked: set[int] = set()
        self._ends_at: float | None = None

    def run(self) -> None:
        """Start the command, tell its number, and return when everything it started is gone."""
        if _LINUX:
            ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1)
        self._main, error = self._start()
        self._tell(f"error {error}" if error else f"pid {self._main}")
        try:
            while self._children_are_left():
                self._end_in_time()
                self._wait()
        except BaseException:
            self._kill()  # whatever breaks
            raise
        self._signal_group(signal.SIGKILL)  # where nobody can be adopted, the rest of the group is still there

    def _start(self) -> tuple[int, str]:
        failure, told = os.pipe()
        main = os.fork()
        if main == 0:
            try:
                self._become_the_service()
            except BaseException as error:  # noqa: BLE001 - a forked copy must never run on
                os.write(told, str(error).encode())
            os._exit(127)
        os.close(told)
        with os.fdopen(failure) as answer:
            return main, answer.read()

    def _become_the_service(self) -> None:
        os.setsid()
        if self._terms.user >= 0:
            os.setgroups([])
            os.setgid(self._terms.group)
            os.setuid(self._terms.user)
        guardian = os.getppid()
        if _LINUX:
            ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL)  # after setuid, which clears it
        if os.getppid() != guardian:
            os._exit(127)
        for number in _DEFAULT_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.execvp(self._command[0], self._command)  # noqa: S606 - what the target declares

    def _children_are_left(self) -> bool:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._main:
                self._code = os.waitstatus_to_exitcode(status)
                self._tell(f"code {self._code}")
                if self._ends_at is None:
                    self._ends_at = time.monotonic()  # what it leaves behind is not given any time

    def _wait(self) -> None:
        ready = {descriptor for descriptor, _ in self._poll.poll(self._patience_s() * 1000)}
        if _STDIN in ready:
            self._listen()
        ended = self._signals in ready and bool(_ENDING & set(os.read(self._signals, 4096)))
        if ended or self._pidfd in ready or os.getppid() != self._terms.supervisor:
            self._let_go()

    def _patience_s(self) -> float:
        if self._ends_at is None:
            return _LOOK_S
        return min(max(self._ends_at - time.monotonic(), _AGAIN_S), _LOOK_S)

    def _listen(self) -> None:
        words = os.read(_STDIN, 4096).split()
        if words:
            self._stop(float(words[-1]))
        else:
            self._poll.unregister(_STDIN)
            self._let_go()

    def _end_in_time(self) -> None:
        if self._ends_at is None:
            return
        if time.monotonic() >= self._ends_at:
            self._kill()
        elif self._code is not None:
            self._ask_those_left()

    def _ask_those_left(self) -> None:
        """Ask those that left the group, now that they are ours."""
        left = set(_children(os.getpid())) - self._asked
        self._asked |= left
        _send(left, signal.SIGTERM)

    def _let_go(self) -> None:
        if self._pidfd is not None:
            self._poll.unregister(self._pidfd)
            self._pidfd = None
        self._stop(self._terms.orphan_s)

    def _stop(self, grace_s: float) -> None:
        """Ask it to end, once, and set the time until it is made to; a later order can only shorten that."""
        at = time.monotonic() + grace_s
        if self._ends_at is None:
            self._signal_group(self._terms.stop_signal)
        self._ends_at = at if self._ends_at is None else min(at, self._ends_at)

    def _kill(self) -> None:
        self._signal_group(signal.SIGKILL)
        _send(_children(os.getpid()), signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._main, number)

    def _tell(self, fact: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # nobody listens any more
            os.write(self._status, fact.replace("\n", " ").encode() + b"\n")


def _signals() -> int:
    """A descriptor on which the numbers of signals can be read: that a child ended, or that somebody ends us."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, *_ENDING):
        signal.signal(number, lambda *_: None)
    return readable


def _pidfd(pid: int) -> int | None:
    with contextlib.suppress(AttributeError, OSError):
        return os.pidfd_open(pid)
    return None


def _send(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _children(parent: int) -> list[int]:
    if not _LINUX:
        return []
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and _parent(name) == parent]  # noqa: PTH208 - pathlib costs milliseconds


def _parent(pid: str) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123 - the same
            return int(stat.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return None


def main(status: str, length: str, *terms: str) -> None:
    """Read the order and keep it.

    Args:
        status: Descriptor to answer on.
        length: Of the command on standard input: its words, with a NUL between them.
        terms: See `Terms`.
    """
    os.set_inheritable(int(status), False)
    command = _read(int(length)).decode(errors="surrogateescape").split("\0")
    Guardian(command, int(status), Terms(*terms)).run()
    os._exit(0)  # nothing is left to be tidied, and somebody waits


def _read(length: int) -> bytes:
    words = b""
    while len(words) < length:
        piece = os.read(_STDIN, length - len(words))
        if not piece:
            sys.exit(0)  # whoever started us is gone already
        words += piece
    return words
