"""MiniStack for as long as the sandbox runs: started, watched, started again on the same port when it dies.

Everything here happens in the main thread, which therefore lives as long as MiniStack should.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from recloser import processes
from recloser.sandbox import ports
from recloser.sandbox.errors import MiniStackError, PortTakenError
from recloser.sandbox.ministack import MiniStack

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from recloser.sandbox.state import StateDir

_PORT_ATTEMPTS = 3
_AGAIN_S = 1.0
_LOG = logging.getLogger(__name__)


class Keeper:
    """Keeps one MiniStack alive."""

    def __init__(self, state: StateDir, preferred: int | None) -> None:
        self._state = state
        self.ministack = MiniStack.start(state, ports.free_port(preferred))
        self._serves = asyncio.Event()

    def healthy(self) -> MiniStack:
        """Wait until it serves for the first time, on another port should somebody take the first one.

        Raises:
            MiniStackError: It does not start.
        """
        for _ in range(_PORT_ATTEMPTS):
            with contextlib.suppress(PortTakenError):
                self.ministack.wait_healthy()
                self._serves.set()
                return self.ministack
            self.ministack = MiniStack.start(self._state, ports.free_port())
        raise MiniStackError(f"no free port of {ports.LOOPBACK} was found for MiniStack in {_PORT_ATTEMPTS} attempts")

    async def serves(self) -> None:
        """Return as soon as it serves: at once, unless it has just died."""
        await self._serves.wait()

    async def watch(self, lost: Callable[[], None], prepare: Callable[[], Awaitable[None]]) -> None:
        """Start it again whenever it ends, until cancelled.

        Args:
            lost: Called before it is started again: it may have lost all it did not save.
            prepare: Called when it answers again and before anybody is told so.
        """
        while True:
            await processes.gone(self.ministack.identity)
            self._serves.clear()
            code = self.ministack.process.wait()
            _LOG.warning("MiniStack ended with exit code %d; it is started again", code)
            lost()
            while not await self._started_again(prepare):  # noqa: ASYNC110 - each look is an attempt
                await asyncio.sleep(_AGAIN_S)
            self._serves.set()

    async def _started_again(self, prepare: Callable[[], Awaitable[None]]) -> bool:
        self.ministack = MiniStack.start(self._state, self.ministack.port)
        try:
            await asyncio.to_thread(self.ministack.wait_healthy)
            await prepare()
        except Exception:  # noqa: BLE001 - nothing that breaks here is a reason to stay without MiniStack
            _LOG.exception("MiniStack could not be started again on port %d", self.ministack.port)
            await asyncio.to_thread(self.ministack.stop)
            return False
        return True


@contextlib.contextmanager
def kept(state: StateDir, preferred: int | None) -> Iterator[Keeper]:
    """Start MiniStack; end it on leaving, letting it save."""
    keeper = Keeper(state, preferred)
    try:
        yield keeper
    finally:
        if keeper.ministack.stop():
            state.unclean.unlink(missing_ok=True)
