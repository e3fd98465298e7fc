"""What the runner wants of this run: read once from a file that an environment variable names."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

VARIABLE = "RECLOSER_ORDERS"
PATH_BEFORE = "RECLOSER_PATH_BEFORE"


class Orders:
    """The runner's orders."""

    def __init__(self, told: dict[str, Any]) -> None:
        """Take over what was told."""
        self.told = told
        self.folder = Path(told["folder"])
        """Where this run's journal goes."""
        self.root: str = told["root"]
        """The target's folder: frames inside it are in the code under test."""
        self.workers: int = told["workers"]
        self.limit_s: float | None = told["limit_s"]
        """Of one test."""
        self.only: frozenset[str] | None = None if told["only"] is None else frozenset(told["only"])
        """Ids of the tests to run; None means all."""
        self.files: frozenset[str] | None = None if told["files"] is None else frozenset(told["files"])
        """Real paths of the test files to collect; None means all."""
        self.again: bool = told["again"]
        """Whether this is a rerun, which no limit of failures ends early."""
        self.order: str = told["order"]
        """`same`, `reversed` or `shuffled`."""
        self.seed: int = told["seed"]
        self.durations: dict[str, float] = told["durations"]
        self.coverage: list[str] = told["coverage"]
        self.coverage_folder = Path(told["coverage_folder"])


def orders_of(config: Any) -> Orders | None:
    """The orders of this process: a worker has them from its controller, everybody else from the environment."""
    told = getattr(config, "workerinput", {}).get("recloser")
    if told is None and VARIABLE in os.environ:
        told = Path(os.environ[VARIABLE]).read_text(encoding="utf-8")
    return None if told is None else Orders(json.loads(told))


def leave_no_trace() -> None:
    """Give the tests, and what they start, the environment they would have had without us."""
    os.environ.pop(VARIABLE, None)
    before = os.environ.pop(PATH_BEFORE, None)
    if before is not None:
        if before:
            os.environ["PYTHONPATH"] = before
        else:
            os.environ.pop("PYTHONPATH", None)


def die_with_parent() -> None:
    """Ask the kernel to end this process when the one that started it is gone; elsewhere than on Linux, do nothing."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - takes milliseconds, and is needed in workers only

        ctypes.CDLL(None, use_errno=True).prctl(1, 9)
