"""One at a time: a target is held by the process that heals or tests it, until it lets go or is gone."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import psutil

from recloser.store.errors import HeldError, StoreError
from recloser.values import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.store.repository import Store

_STALE = timedelta(seconds=120)
"""A holder on another machine that was not seen for so long is taken for dead."""
_RENEW_S = 10.0


class Hold:
    """This process's hold on a target."""

    def __init__(self, store: Store, target: str, doing: str = "healed") -> None:
        """Take hold.

        Args:
            store: Where holds are kept.
            target: What is held.
            doing: What is done to it, for who is told to wait; each has a hold of its own.

        Raises:
            HeldError: Somebody else holds it, and is alive.
        """
        self._store = store
        self._target = _what(target, doing)
        self._owner = _owner()
        self._renewed = time.monotonic()
        holder = store.hold(self._target, self._owner, is_gone=is_gone)
        if holder is not None:
            raise HeldError(f"target {target!r} is being {doing} by {_shown(holder)}; wait for it, or stop it first")

    def renew(self) -> None:
        """Be seen; cheap enough to call at every poll."""
        if time.monotonic() - self._renewed > _RENEW_S:
            self._be_seen()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Be seen from a thread of its own: for work that may be silent for longer than a dead holder."""
        over = threading.Event()
        seen = threading.Thread(target=self._keep, args=(over,), name=f"hold on {self._target}", daemon=True)
        seen.start()
        try:
            yield
        finally:
            over.set()
            seen.join()

    def _keep(self, over: threading.Event) -> None:
        while not over.wait(_RENEW_S):
            with suppress(StoreError):  # whoever needs the store says that it is gone
                self._be_seen()

    def _be_seen(self) -> None:
        self._renewed = time.monotonic()
        self._store.hold(self._target, self._owner, is_gone=is_gone)

    def release(self) -> None:
        """Let go."""
        self._store.release(self._target, self._owner)


def is_held(store: Store, target: str, doing: str = "healed") -> bool:
    """Whether a living process does that to a target now.

    Raises:
        StoreError: The store cannot be read.
    """
    holder = store.holder(_what(target, doing))
    return holder is not None and not is_gone(*holder)


def _what(target: str, doing: str) -> str:
    return target if doing == "healed" else f"{target} {doing}"


def is_gone(owner: str, seen_at: datetime) -> bool:
    """Whether a holder is dead: looked up on this machine, judged by its silence on another."""
    host, pid, created, _ = owner.split("|")
    if host != socket.gethostname():
        return utc_now() - seen_at > _STALE
    with suppress(psutil.Error, ValueError):
        process = psutil.Process(int(pid))
        return process.status() == psutil.STATUS_ZOMBIE or f"{process.create_time():.2f}" != created
    return True


def _owner() -> str:
    """Host, process id and the moment it began: an id alone is used again by the kernel."""
    process = psutil.Process()
    return f"{socket.gethostname()}|{process.pid}|{process.create_time():.2f}|{time.monotonic_ns()}"


def _shown(owner: str) -> str:
    host, pid, *_ = owner.split("|")
    return f"process {pid} on {host}"
