"""Whether the judgement of a night holds: flakes, quarantine, slowdowns, fingerprints, storms, and how fast it is.

    make bench ONLY=analytics        or: python benchmarks/analytics.py [--data FOLDER] [--seed N] [--only NAME …]

The figures are those of section 4.4 to 4.6 of the reference (test-intelligence), on its public data sets, beside their
gates; the exit code is 1 when one is missed. The data are not part of this repository: `--data` names their folder, by
default `../shared/data` beside it. What needs no data is simulated from stated seeds; with `--seed` from others.
Intervals are of 95 %: Wilson's for shares, else a bootstrap over tests or series. Nothing here is fitted to the data:
all parameters are those of `recloser.analytics`. The parts are in `gates/`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gates.failures import grouping, stormy
from gates.figures import DATA, Bench
from gates.flakes import counts, reruns
from gates.nights import judgement, quarantine
from gates.slowdowns import levels, made_up, slowdowns
from gates.speed import speed

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS: dict[str, Callable[[Bench], bool]] = {
    each.__name__: each
    for each in (reruns, counts, quarantine, judgement, slowdowns, made_up, levels, grouping, stormy, speed)
}
"""What `--only` names; each answers whether it could be measured."""


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the data sets")
    parser.add_argument("--seed", type=int, default=0, help="draw otherwise")
    parser.add_argument("--only", nargs="*", choices=list(PARTS), help="parts to run")
    given = parser.parse_args()
    bench = Bench(given.data, given.seed)
    for name in given.only or PARTS:
        print(f"-- {name}")
        if not PARTS[name](bench):
            bench.missed.append(name)
    if bench.missed:
        print(f"missed: {', '.join(bench.missed)}")
    return bool(bench.missed)


if __name__ == "__main__":
    sys.exit(main())
