"""What a run measured on the side: coverage, AWS calls, and the figures that tests recorded."""

from __future__ import annotations

import json
import math
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from recloser.suites.attempts import legible
from recloser.values import AwsCall

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recloser.suites.tape import Ended

_SCRIPT = Path(__file__).parent / "inside" / "measured.py"
_TIMEOUT_S = 120.0


def calls_of(ended: Iterable[Ended]) -> tuple[AwsCall, ...]:
    """AWS calls of all attempts, by service and operation; reruns cost as well."""
    counts: Counter[tuple[str, str]] = Counter()
    for attempt in ended:
        for service, operation, count in attempt.facts.get("aws", ()):
            counts[service, operation] += count
    return tuple(AwsCall(service=name, operation=what, count=count) for (name, what), count in sorted(counts.items()))


def figures_of(ended: Iterable[Ended]) -> dict[str, float]:
    """Numbers that tests recorded as properties; of one that was recorded again, the last."""
    return {
        legible(name): float(value)
        for attempt in ended
        for name, value in attempt.facts.get("props", ())
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def coverage_of(python: str, data: Path, folder: Path) -> tuple[float | None, str]:
    """Percent that all processes of a run covered together, or why that cannot be said.

    Args:
        python: Interpreter of the code under test, which has the coverage that measured.
        data: Where the processes left what they saw.
        folder: Of the target: its own configuration of coverage applies.
    """
    try:
        done = subprocess.run(
            [python, str(_SCRIPT), str(data)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        percent = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return None, f"coverage could not be added up: {error}"
    return (None, "nothing of what is to be covered was run") if percent is None else (float(percent), "")
