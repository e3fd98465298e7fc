"""How many faults the validation finds, how often it cries wolf, and how long it takes.

Run `python benchmarks/validation.py`; it takes some minutes. `--draws` and `--clean` set how many seeds are tried,
none of which is in a baseline. The exit code is 1 when a gate is missed: a fault of the catalogue not found, an alarm
of a critical rule on a good set, or more than 0.5 % of good sets with any alarm.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy.stats import beta
from unseen_faults import UNSEEN

from recloser.grid import SIZES, generate_dataset, request_size
from recloser.validation import Gate, State, check_subject, of_dataset, validate_subject
from recloser.validation.corruption import FAULTS, Draft, corrupt_dataset, draft_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from recloser.grid import Dataset
    from recloser.validation import Report, Subject

PROVENANCE = ("R34", "R35", "R41", "R42", "R43")
FIRST_BROKEN, FIRST_CLEAN = 20_000, 30_000
MOST_ALARMS = 0.005
CLEAN_SHARE = {"small": 1.0, "medium": 1.0, "large": 0.2}


def main() -> int:
    """Measure, print, and say whether all gates hold."""
    options = _options()
    sizes = options.sizes.split(",")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors\n")
    missed = _catalogue(sizes, options.draws)
    _unseen(sizes, options.draws)
    alarms = _false_alarms(sizes, options.clean)
    _times(sizes)
    return int(missed or alarms)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--draws", type=int, default=5, help="seeds per fault and size")
    parser.add_argument("--clean", type=int, default=300, help="good sets per size; a fifth of it of large")
    return parser.parse_args()


def _catalogue(sizes: list[str], draws: int) -> bool:
    print(f"Catalogue, found of {draws} draws: by all rules / by content alone (without {', '.join(PROVENANCE)})")

    def broken(name: str) -> Callable[[Dataset, int], Subject]:
        return lambda dataset, seed: corrupt_dataset(dataset, name, seed=seed)

    found = _detections(sizes, draws, {name: broken(name) for name in FAULTS})
    control = next(name for name, fault in FAULTS.items() if fault.is_control)
    for name, fault in FAULTS.items():
        print(f"  {name}  {_cells(found, name, sizes)}  {fault.title}")
    missed = [
        (name, size)
        for name in FAULTS
        for size in sizes
        if (found[name, size][0] < draws if name != control else found[name, size][0] > 0)
    ]
    print(f"  missed: {missed or 'none'}\n")
    return bool(missed)


def _unseen(sizes: list[str], draws: int) -> None:
    print(f"Not in the catalogue, found of {draws} draws: by all rules / by content alone")

    def broken(apply: Callable[[Draft, np.random.Generator], Draft]) -> Callable[[Dataset, int], Subject]:
        return lambda dataset, seed: apply(draft_of(dataset), np.random.default_rng(seed)).subject

    found = _detections(sizes, draws, {apply.__name__: broken(apply) for apply in UNSEEN})
    for apply in UNSEEN:
        print(f"  {_cells(found, apply.__name__, sizes)}  {(apply.__doc__ or '').strip()}")
    for size in sizes:
        whole = sum(found[apply.__name__, size][0] for apply in UNSEEN)
        content = sum(found[apply.__name__, size][1] for apply in UNSEEN)
        print(f"  {size}: {whole} of {len(UNSEEN) * draws}, by content alone {content}")
    print()


def _detections(
    sizes: list[str], draws: int, faults: dict[str, Callable[[Dataset, int], Subject]]
) -> dict[tuple[str, str], tuple[int, int]]:
    found: dict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for size in sizes:
        for seed in range(FIRST_BROKEN, FIRST_BROKEN + draws):
            dataset = generate_dataset(request_size(size, seed=seed))
            for name, make in faults.items():
                failed = check_subject(make(dataset, seed)).failed_rules()
                whole, content = found[name, size]
                found[name, size] = (whole + bool(failed), content + bool(set(failed) - set(PROVENANCE)))
    return found


def _cells(found: dict[tuple[str, str], tuple[int, int]], name: str, sizes: list[str]) -> str:
    return "  ".join(f"{size} {found[name, size][0]}/{found[name, size][1]}" for size in sizes)


def _false_alarms(sizes: list[str], clean: int) -> bool:
    print("Good sets of unseen seeds")
    alarmed, gated, tried, by_rule = 0, 0, 0, Counter[str]()
    for size in sizes:
        for seed in range(FIRST_CLEAN, FIRST_CLEAN + int(clean * CLEAN_SHARE[size])):
            report = check_subject(of_dataset(generate_dataset(request_size(size, seed=seed))))
            failed = report.failed_rules()
            by_rule.update(f"{rule} on {size}" for rule in failed)
            tried, alarmed = tried + 1, alarmed + bool(failed)
            gated += bool(report.of_state(State.FAILED, Gate.CRITICAL))
    low, high = beta.ppf(0.025, alarmed, tried - alarmed + 1), beta.ppf(0.975, alarmed + 1, tried - alarmed)
    interval = f"{0 if np.isnan(low) else low:.2%} to {high:.2%}"
    print(f"  {alarmed} of {tried} with any alarm, {alarmed / tried:.2%} (95 %: {interval}); critical {gated}")
    print(f"  by rule: {dict(by_rule) or 'none'}\n")
    return gated > 0 or alarmed / tried > MOST_ALARMS


def _times(sizes: list[str]) -> None:
    started = time.perf_counter()
    from recloser.validation import expectations  # noqa: F401, PLC0415 - its import is measured

    print(f"Times; the import of Great Expectations took {time.perf_counter() - started:.1f} s")
    print(f"  load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for size in sizes:
        subject = of_dataset(generate_dataset(request_size(size, seed=FIRST_CLEAN)))
        for name, judge in (("numpy", check_subject), ("with Great Expectations", validate_subject)):
            wall, cpu = _timed(judge, subject)
            print(f"  {size:<7} {name:<24} {wall:6.3f} s, {cpu:6.3f} s of processor time")


def _timed(judge: Callable[[Subject], Report], subject: Subject) -> tuple[float, float]:
    """The shortest of a few runs, and the median of their processor times."""
    judge(subject)
    walls, cpus = [], []
    for _ in range(5):
        wall, cpu = time.perf_counter(), time.process_time()
        judge(subject)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), statistics.median(cpus)


if __name__ == "__main__":
    sys.exit(main())
