"""The daemon: MiniStack as a child, the Batch endpoint in this process, both until SIGTERM.

Everything happens in the main thread, which therefore lives as long as MiniStack should.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import recloser
from recloser.sandbox import ports
from recloser.sandbox.errors import MiniStackError, PortTakenError, SandboxError
from recloser.sandbox.install import MINISTACK_VERSION
from recloser.sandbox.leftovers import sweep
from recloser.sandbox.ministack import MiniStack
from recloser.sandbox.processes import Identity, identity
from recloser.sandbox.state import Record, StateDir

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

_PORT_ATTEMPTS = 3


def serve(state: StateDir, *, stop_grace_s: float, memory_guard: str) -> None:
    """Run the sandbox of this state folder until SIGTERM.

    Args:
        state: Where everything is kept.
        stop_grace_s: Seconds between SIGTERM and SIGKILL when a job is terminated or timed out; AWS: 30.
        memory_guard: `auto` or `poller`.

    Raises:
        SandboxError: Another daemon holds the folder, or MiniStack does not start.
    """
    # The server raises the signal again when it has shut down; what encloses it must still be left in order.
    signal.signal(signal.SIGTERM, _leave)
    state.create()
    if state.hold("daemon") is None:
        raise SandboxError(f"another daemon serves {state.root}")
    sweep(state)
    last = state.read(state.record, Record)
    with _ministack(state, last.ministack_port if last is not None else None) as child:
        # Imported while MiniStack starts: that halves the time until both are ready.
        from recloser.sandbox.endpoint import Endpoint  # noqa: PLC0415

        with ports.listen(last.batch_port if last is not None else None) as listener:
            ministack = child.healthy()
            record = _record(listener, ministack)
            Endpoint(state, record, stop_grace_s=stop_grace_s, memory_guard=memory_guard).serve(listener)


def _leave(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - the signature of a handler
    sys.exit(0)


class _Child:
    """MiniStack, started again on another port should somebody take the first one."""

    def __init__(self, state: StateDir, preferred: int | None) -> None:
        self._state = state
        self.ministack = MiniStack.start(state, ports.free_port(preferred))

    def healthy(self) -> MiniStack:
        for _ in range(_PORT_ATTEMPTS):
            with contextlib.suppress(PortTakenError):
                self.ministack.wait_healthy()
                return self.ministack
            self.ministack = MiniStack.start(self._state, ports.free_port())
        raise MiniStackError(f"no free port of {ports.LOOPBACK} was found for MiniStack in {_PORT_ATTEMPTS} attempts")


@contextlib.contextmanager
def _ministack(state: StateDir, preferred: int | None) -> Iterator[_Child]:
    child = _Child(state, preferred)
    try:
        yield child
    finally:
        if child.ministack.stop():
            state.unclean.unlink(missing_ok=True)


def _record(listener: socket.socket, ministack: MiniStack) -> Record:
    own = identity(os.getpid())
    return Record(
        daemon=own or Identity(pid=os.getpid(), started=0),
        ministack=ministack.identity,
        batch_port=listener.getsockname()[1],
        ministack_port=ministack.port,
        version=recloser.__version__,
        ministack_version=MINISTACK_VERSION,
    )
