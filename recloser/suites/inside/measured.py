"""Coverage of one process, where it was asked for; run as a script, it adds up what all processes saw."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

DATA = "coverage"


class Measurement:
    """Lines that this process runs."""

    def __init__(self, folder: Path, packages: list[str]) -> None:
        """Begin at once: what is imported from now on counts.

        Raises:
            ImportError: There is no coverage here.
        """
        import coverage  # noqa: PLC0415 - of the code under test, where it is there

        self._coverage = coverage.Coverage(data_file=str(folder / DATA), data_suffix=True, source=packages)
        self._coverage.start()

    def end(self) -> None:
        """Write down what was seen."""
        self._coverage.stop()
        self._coverage.save()


def total_percent(folder: Path) -> float | None:
    """Percent of lines (and branches, where the target's own configuration says so) that any process ran."""
    import coverage  # noqa: PLC0415

    measured: Any = coverage.Coverage(data_file=str(folder / DATA))
    measured.combine(data_paths=[str(folder)])
    measured.save()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return float(measured.report(file=io.StringIO(), ignore_errors=True))
    except coverage.CoverageException:  # nothing of it was run
        return None


if __name__ == "__main__":
    print(json.dumps(total_percent(Path(sys.argv[1]))))  # noqa: T201
