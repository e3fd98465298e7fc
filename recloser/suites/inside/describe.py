"""What the tests run on, as plain data; also run as a script, where no test got that far."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from typing import Any


def environment() -> dict[str, Any]:
    """Interpreter, platform, machine, processors, and a hash of what is installed."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cpus": cpus(),
        "packages": hashlib.sha256("\n".join(_installed()).encode()).hexdigest()[:16],
    }


def cpus() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _installed() -> list[str]:
    """Names and versions are the names of folders; reading their contents would take a hundred times longer."""
    found = set()
    for path in sys.path:
        if os.path.basename(path) not in {"site-packages", "dist-packages"}:  # noqa: PTH119
            continue
        try:
            names = os.listdir(path)  # noqa: PTH208 - a path that is gone is usual
        except OSError:
            continue
        found |= {name for name in names if name.endswith((".dist-info", ".egg-info"))}
    return sorted(found)


if __name__ == "__main__":
    print(json.dumps(environment()))  # noqa: T201
