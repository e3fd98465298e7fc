"""The errors of the sandbox: each message says what failed and what to do."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from recloser.errors import RecloserError

if TYPE_CHECKING:
    from pathlib import Path


class SandboxError(RecloserError):
    """The sandbox cannot do what was asked."""


class StaleStateError(SandboxError):
    """Something in the state folder is broken, or was written by another version."""

    def __init__(self, path: Path, problem: object) -> None:
        super().__init__(
            f"stale state: {path} cannot be used: {problem}; "
            f"`recloser sandbox reset --state-dir {shlex.quote(str(path.parent))}` forgets all and starts anew"
        )


class SandboxDownError(SandboxError):
    """The sandbox is not running."""


class InstallError(SandboxError):
    """MiniStack could not be installed."""


class MiniStackError(SandboxError):
    """MiniStack did not start or does not answer."""


class PortTakenError(MiniStackError):
    """The chosen port was taken by somebody else in the meantime."""
