"""A `/dev/shm` of a stated size for one attempt: a mount of its own, on machines where one may be made.

It takes root and mount namespaces (Linux). Elsewhere a definition that asks for a size is refused by name, never
accepted in silence.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from typing import TYPE_CHECKING, Final

from recloser.sandbox.batch.model import NotServedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recloser.sandbox.batch.model import Document

_TRY_S: Final = 5
# The namespace goes with the last process of the attempt, and the mount with it.
_SCRIPT: Final = '"$0" -t tmpfs -o "size=$1m,mode=1777" tmpfs /dev/shm && shift && exec "$@"'


def shared_memory_of(container: Document) -> int | None:
    """The size in MiB that a container asks for."""
    asked: int | None = (container.get("linuxParameters") or {}).get("sharedMemorySize")
    return asked


def check_shared_memory(container: Document) -> None:
    """Refuse a size that this machine cannot give.

    Raises:
        NotServedError: It asks for one.
    """
    if shared_memory_of(container) is not None and not _is_possible():
        raise NotServedError("containerProperties.linuxParameters.sharedMemorySize without root on Linux")


def with_shared_memory(command: Sequence[str], container: Document) -> list[str]:
    """The command with a `/dev/shm` of its own, or as it is where none is asked for."""
    size_mib = shared_memory_of(container)
    if size_mib is None:
        return list(command)
    unshare, mount = (shutil.which(program) or program for program in ("unshare", "mount"))
    return [unshare, "-m", "/bin/sh", "-c", _SCRIPT, mount, str(size_mib), *command]


@cache
def _is_possible() -> bool:
    try:
        tried = subprocess.run(
            with_shared_memory(["true"], {"linuxParameters": {"sharedMemorySize": 1}}),
            capture_output=True,
            timeout=_TRY_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0
