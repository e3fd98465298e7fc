"""What an exception says, as plain data; whatever cannot be asked of a hostile one is left out."""

from __future__ import annotations

import linecache
import os
import sys
from typing import TYPE_CHECKING, Any

from .journal import bounded

if TYPE_CHECKING:
    from types import TracebackType

FRAMES = 50
_ELSEWHERE = tuple(
    os.path.realpath(path) + os.sep for path in {sys.prefix, sys.base_prefix, sys.exec_prefix} if path not in {"/", ""}
)


def failure_of(excinfo: Any, report: Any, root: str) -> dict[str, Any]:
    """Why a report failed.

    Args:
        excinfo: pytest's, or None where there is only the report.
        report: The report of the phase.
        root: Folder of the code under test.
    """
    told: dict[str, Any] = {"text": _text_of(report), "frames": [], "source": ""}
    if excinfo is None:
        return told | {"exception": "failed", "message": _crash_message(report)}
    exception = _cause_of(excinfo.value)
    frames = _frames_of(exception.__traceback__, root)
    if not frames and exception is not excinfo.value:
        frames = _frames_of(excinfo.value.__traceback__, root)
    told |= {"exception": _name_of(type(exception)), "message": _message_of(exception, report)}
    if frames:
        told["frames"] = [[os.path.relpath(file, root), line, function] for file, line, function in frames]
        told["source"] = linecache.getline(frames[-1][0], frames[-1][1]).strip()[:1000]
    return told


def _cause_of(exception: BaseException) -> BaseException:
    """Collection wraps what a module raised at its import."""
    wrapped = type(exception).__name__ == "CollectError" and exception.__cause__ is not None
    return exception.__cause__ or exception if wrapped else exception


def _name_of(kind: type[BaseException]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _message_of(exception: BaseException, report: Any) -> str:
    told = getattr(report.longrepr, "errorstring", None)  # a fixture that is not there
    if told:
        return bounded(told)
    try:
        return bounded(exception)
    except Exception as error:  # noqa: BLE001 - its own `__str__` is code under test
        return f"[its message cannot be read: {type(error).__name__}]"


def _text_of(report: Any) -> str:
    try:
        return bounded(getattr(report, "longreprtext", "") or report.longrepr or "")
    except Exception as error:  # noqa: BLE001 - reprs of the code under test
        return f"[its text cannot be read: {type(error).__name__}]"


def _crash_message(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return bounded(getattr(crash, "message", None) or report.longrepr or "")


def _frames_of(traceback: TracebackType | None, root: str) -> list[tuple[str, int, str]]:
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        file = os.path.realpath(code.co_filename)
        if is_inside(file, root):
            frames.append((file, traceback.tb_lineno, getattr(code, "co_qualname", code.co_name)))
        traceback = traceback.tb_next
    return frames[-FRAMES:]


def is_inside(file: str, root: str) -> bool:
    """Whether a file is of the code under test: below its folder, and not installed there by somebody else."""
    if not file.startswith(root + os.sep) or f"{os.sep}site-packages{os.sep}" in file:
        return False
    return not any(file.startswith(where) and where.startswith(root + os.sep) for where in _ELSEWHERE)
