"""The sandbox as its user sees it: up, down, status, environment, reset, images, faults."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recloser import processes
from recloser.sandbox import environment as variables
from recloser.sandbox.batch.faults import Change
from recloser.sandbox.daemon import ask, spawn
from recloser.sandbox.environment import Identity
from recloser.sandbox.errors import SandboxDownError, SandboxError, StaleStateError
from recloser.sandbox.images import BuildRequest, BuiltImage
from recloser.sandbox.install import install
from recloser.sandbox.ministack import last_lines
from recloser.sandbox.state import AccessKey, Record, StateDir
from recloser.sandbox.status import Condition, Status

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping, Sequence

_READY_S = 40.0
_DOWN_S = 45.0
_GONE_S = 5.0
_LOCK_S = 120.0
_KEPT = {"sandbox.json", "up.lock", "daemon.lock"}


class Sandbox:
    """An AWS on this machine, with its state in one folder."""

    def __init__(
        self,
        state_dir: Path,
        *,
        stop_grace_s: float = 30.0,
        memory_guard: str = "auto",
        retention_s: float = 86_400.0,
    ) -> None:
        """Name the sandbox; nothing is started.

        Args:
            state_dir: Its folder; made when needed.
            stop_grace_s: Seconds between SIGTERM and SIGKILL of a job that is stopped; AWS: 30.
            memory_guard: `auto`, or `poller` to do without control groups.
            retention_s: Seconds until a job that has ended is forgotten; AWS: at least 7 days.
        """
        self.state = StateDir(state_dir.resolve())
        self._options = (
            *("--stop-grace-s", str(stop_grace_s)),
            *("--memory-guard", memory_guard),
            *("--retention-s", str(retention_s)),
        )

    def up(self) -> bool:
        """Start it and wait until it serves; installs MiniStack when that is missing.

        Returns:
            Whether it was started; False when it was up already.

        Raises:
            SandboxError: It did not start; the message says why.
        """
        self.state.create()
        with self._alone():
            if self._is_serving():
                return False
            install()
            self._start()
            return True

    def down(self) -> bool:
        """Stop jobs, MiniStack and daemon, and whatever a killed daemon left.

        Returns:
            Whether anything was running.

        Raises:
            SandboxError: Something could not be stopped.
        """
        if not self.state.root.is_dir():
            return False
        self.state.create()
        with self._alone():
            return self._stop()

    def reset(self) -> None:
        """Back to empty: stop, forget everything, start on the same ports if they are free."""
        self.state.create()
        with self._alone():
            self._forget_unreadable()
            self._stop()
            for path in self.state.root.iterdir():
                if path.name not in _KEPT:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            install()
            self._start()

    def status(self) -> Status:
        """How it is."""
        record = self._running()
        if record is None:
            return Status(condition=Condition.DOWN, state_dir=str(self.state.root))
        answer = self._ask("GET", "status")
        return Status(
            condition=Condition.UP,
            state_dir=str(self.state.root),
            record=record,
            ministack_alive=processes.is_alive(record.ministack),
            **answer,
        )

    def environment(self, identity: Identity | str = Identity.RECLOSER) -> dict[str, str]:
        """The variables that make boto3 and the `aws` command line use this sandbox as that identity.

        Raises:
            SandboxDownError: It is not running.
        """
        record = self._record()
        key: AccessKey | None = variables.ROOT
        if Identity(identity) is Identity.RECLOSER:
            key = self.state.read(self.state.operator, AccessKey)
        if key is None:
            raise StaleStateError(self.state.operator, "it is missing")
        return variables.variables(record, key)

    def build(
        self,
        context: Path,
        *,
        repository: str,
        tag: str,
        interpreter: str = sys.executable,
        entrypoint: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        region: str | None = None,
    ) -> BuiltImage:
        """Snapshot a folder and push it as an image.

        Args:
            context: Copied without `.git`, `__pycache__`, `.recloser`, `.venv`.
            repository: ECR repository; made when missing.
            tag: Tag it gets.
            interpreter: Python of the jobs; its folder is first in their PATH.
            entrypoint: Words before a job's command; `{image}` stands for the snapshot's folder.
            environment: Variables, with the same placeholder; PYTHONPATH is `{image}` unless given.
            region: Of the registry; the sandbox's own when nothing is said.

        Raises:
            SandboxError: The sandbox is down or the folder cannot be copied.
        """
        request = BuildRequest(
            context=str(context.resolve()),
            repository=repository,
            tag=tag,
            interpreter=str(Path(interpreter).absolute()),
            entrypoint=tuple(entrypoint),
            environment=dict(environment or {}),
            **({"region": region} if region else {}),
        )
        return BuiltImage.model_validate(self._ask("POST", "images", request.model_dump_json()))

    def faults(self, *, clear: bool = False, **changes: float | str) -> dict[str, int | float | str]:
        """Show the faults in force, after setting those that are given.

        Args:
            clear: Switch all others off.
            changes: Fields of `recloser.sandbox.batch.faults.Faults`, for example `host_loss=2`.

        Raises:
            SandboxError: There is no such fault, or its value is out of range.
        """
        if not changes and not clear:
            return dict(self._ask("GET", "faults"))
        return dict(self._ask("POST", "faults", Change(clear=clear, faults=changes).model_dump_json()))

    def _is_serving(self) -> bool:
        try:
            return self.status().condition is Condition.UP
        except SandboxError:
            if processes.wait_until(lambda: self._running() is None, _GONE_S):
                return False  # it was just being killed
            raise

    def _running(self) -> Record | None:
        record = self.state.read(self.state.record, Record)
        return record if record is not None and processes.is_alive(record.daemon) else None

    def _record(self) -> Record:
        record = self._running()
        if record is None:
            raise SandboxDownError(f"the sandbox in {self.state.root} is down; start it with `recloser sandbox up`")
        return record

    def _ask(self, method: str, route: str, body: str | None = None) -> dict[str, Any]:
        return ask(self.state, self._record(), method, route, body)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One `up`, `down` or `reset` at a time."""
        deadline = time.monotonic() + _LOCK_S
        while (lock := self.state.hold("up")) is None:
            if time.monotonic() > deadline:
                raise SandboxError(f"another `recloser sandbox` command holds {self.state.root}; try again later")
            time.sleep(0.02)
        try:
            yield
        finally:
            os.close(lock)

    def _start(self) -> None:
        self.state.create()
        daemon = spawn(self.state, self._options)
        self._wait_ready(daemon)

    def _wait_ready(self, daemon: subprocess.Popen[bytes]) -> None:
        ready = processes.wait_until(lambda: self._serves(daemon.pid) or daemon.poll() is not None, _READY_S)
        if daemon.poll() is not None:
            raise SandboxError(f"the sandbox did not start:\n{last_lines(self.state.log)}")
        if not ready:
            daemon.kill()
            daemon.wait()
            self._stop()
            raise SandboxError(f"the sandbox was not ready within {_READY_S:.0f} s; see {self.state.log}")
        daemon.returncode = 0  # it is meant to outlive this process: nothing here waits for it

    def _serves(self, pid: int) -> bool:
        record = self._running()
        if record is None or record.daemon.pid != pid:
            return False
        with contextlib.suppress(SandboxError):
            self._ask("GET", "status")
            return True
        return False

    def _stop(self) -> bool:
        from recloser.sandbox.leftovers import sweep  # noqa: PLC0415 - only here is it needed

        record = self._running()
        if record is not None:
            processes.end(lambda: [record.daemon.pid] * processes.is_alive(record.daemon), grace_s=_DOWN_S)
        held = self._hold_daemon()
        try:
            sweep(self.state)
        finally:
            os.close(held)
        return record is not None

    def _forget_unreadable(self) -> None:
        """Remove a record of another version, unless its daemon still runs."""
        try:
            self._running()
        except StaleStateError:
            os.close(self._hold_daemon())
            self.state.record.unlink()

    def _hold_daemon(self) -> int:
        deadline = time.monotonic() + _GONE_S
        while (held := self.state.hold("daemon")) is None:
            # the kernel closes the files of a process a moment after it shows it as ended
            if time.monotonic() > deadline:
                raise SandboxError(f"a daemon that is not on record holds {self.state.root}; stop it by hand")
            time.sleep(0.01)
        return held
