"""The daemon: MiniStack as a child, the Batch endpoint in this process, both until SIGTERM.

Everything happens in the main thread, which therefore lives as long as MiniStack should.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import recloser
from recloser.processes import Identity, identity
from recloser.sandbox import ports
from recloser.sandbox.errors import SandboxError
from recloser.sandbox.install import MINISTACK_VERSION
from recloser.sandbox.keeper import kept
from recloser.sandbox.leftovers import end_ministack
from recloser.sandbox.state import Record, StateDir

if TYPE_CHECKING:
    import socket

    from recloser.sandbox.ministack import MiniStack


def serve(state: StateDir, *, stop_grace_s: float, memory_guard: str, retention_s: float) -> None:
    """Run the sandbox of this state folder until SIGTERM.

    Args:
        state: Where everything is kept.
        stop_grace_s: Seconds between SIGTERM and SIGKILL when a job is terminated or timed out; AWS: 30.
        memory_guard: `auto` or `poller`.
        retention_s: Seconds until a job that has ended is forgotten; AWS: at least 7 days.

    Raises:
        SandboxError: Another daemon holds the folder, or MiniStack does not start.
    """
    # The server raises the signal again when it has shut down; what encloses it must still be left in order.
    signal.signal(signal.SIGTERM, _leave)
    state.create()
    if state.hold("daemon") is None:
        raise SandboxError(f"another daemon serves {state.root}")
    end_ministack(state)
    last = state.read(state.record, Record)
    with kept(state, last.ministack_port if last is not None else None) as keeper:
        # Imported while MiniStack starts: that halves the time until both are ready.
        from recloser.sandbox.endpoint import Endpoint  # noqa: PLC0415

        with ports.listen(last.batch_port if last is not None else None) as listener:
            record = _record(listener, keeper.healthy())
            endpoint = Endpoint(
                state, record, keeper, stop_grace_s=stop_grace_s, memory_guard=memory_guard, retention_s=retention_s
            )
            endpoint.serve(listener)


def _leave(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - the signature of a handler
    sys.exit(0)


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
