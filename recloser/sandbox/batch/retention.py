"""Jobs that ended long ago are forgotten, as AWS forgets them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from recloser.sandbox.batch.model import now_ms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from recloser.sandbox.batch.store import Store

_OFTEN_S: Final = 0.2
_SELDOM_S: Final = 60.0


@contextlib.asynccontextmanager
async def forgetting(store: Store, retention_s: float) -> AsyncIterator[None]:
    """Purge, at once and from time to time, the jobs that ended more than `retention_s` ago."""
    task = asyncio.get_running_loop().create_task(_forget(store, retention_s))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _forget(store: Store, retention_s: float) -> None:
    pause_s = min(max(retention_s / 10, _OFTEN_S), _SELDOM_S)
    while True:
        store.purge(now_ms() - int(retention_s * 1000))
        await asyncio.sleep(pause_s)
