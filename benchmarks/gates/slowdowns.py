"""Section 4.5: slowdowns that are alarmed and alarms without one, as a night sees it: with the past alone.

A check is one night of one test. What looks slower in it, by any of the product's three looks, is run again: head and
base five times each. As the reference says, those runs are drawn with replacement from the twenty before, head times
the step. Its own figures (.75 within three checks) look up to four runs ahead of the check; here nothing does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gates.figures import bootstrap
from recloser.analytics.screening import HISTORY, STAYING, screen, staying_up
from recloser.analytics.series import NEW, OLD, changes, short_rise
from recloser.analytics.timing import alarming, shift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gates.figures import Bench

    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

BACK = HISTORY + max(STAYING)
"""Runs up to a check that its looks need, that of the check included."""
CHECKS = 3
PLACES = 20
"""At which a step is tried in each series."""


def slowdowns(bench: Bench) -> bool:
    """Retrofit: the tests of a quarter of a second and more."""
    found = bench.table("retrofit_history.csv.gz")
    if found is None:
        return False
    good = found[(found["duration_s"] > 0) & (found["verdict"] == 0)]
    suite = good.groupby("build")["duration_s"].median()
    series = []
    for _, rows in good.sort_values("build").groupby("test"):
        values = rows["duration_s"].to_numpy()
        if len(values) >= 60 and np.median(values) >= 0.25:
            series.append((values, np.maximum(0.1, 0.05 * suite[rows["build"]].to_numpy())))
    examine(series, bench, bench.rng(4))
    return True


def made_up(bench: Bench) -> bool:
    """Series of other lengths, levels and noise: even, with outliers, drifting, in two alternating modes."""
    rng = bench.rng(7)
    series = []
    for number in range(60):
        size, sigma = int(rng.integers(60, 400)), rng.uniform(0.03, 0.25)
        logs = rng.normal(0, sigma, size)
        kind = number % 4
        if kind == 1:
            logs += np.where(rng.random(size) < 0.03, rng.uniform(0.3, 1.5, size), 0)
        elif kind == 2:
            logs += np.cumsum(rng.normal(0, 0.01, size))
        elif kind == 3:
            logs += np.where(rng.random(size) < 0.2, 0.3, 0)
        level = np.exp(rng.uniform(np.log(0.25), np.log(60)))
        series.append((level * np.exp(logs), np.full(size, 0.1)))
    examine(series, bench, rng)
    return True


def examine(series: Sequence[tuple[Floats, Floats]], bench: Bench, rng: np.random.Generator) -> None:
    """Print what is alarmed in untouched series, and in those with a step."""
    quiet = np.array([alarms_of(values, floors, rng) for values, floors in series])
    for name, column, most in (("run again", 0, np.inf), ("alarmed", 1, 3.5)):
        interval = bootstrap(quiet, lambda rows, column=column: rows[:, column].sum() / rows[:, 2].sum() * 1000)
        figure = quiet[:, column].sum() / quiet[:, 2].sum() * 1000
        note = f"of {quiet[:, 2].sum()} {interval}"
        bench.show(f"{name} per 1,000 checks, {len(series)} untouched series", figure, note, most=most)
    for step, least in ((2.0, 0.75), (1.5, -np.inf)):
        hits = np.array([hits_of(values, floors, step, rng) for values, floors in series])
        for check in range(CHECKS):
            name = f"steps of x{step:g} alarmed within {check + 1} checks"
            each = hits[:, :, check].mean(axis=1)
            bench.show(name, each.mean(), bootstrap(each, np.mean), least=least if check == CHECKS - 1 else -np.inf)


def looks_slower(values: Floats, floors: Floats, at: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """What the product would run again at these checks, of all that was measured up to each."""
    padded = np.concatenate([np.full(BACK, np.nan), values])
    runs = np.column_stack([padded[place + 1 : place + 1 + BACK] for place in at])
    looks, _ = screen(runs[-1], runs[:-1], floors[list(at)])
    looks |= staying_up(runs, floors[list(at)]) > 0
    risen = [short_rise(values[max(0, place + 1 - NEW - OLD) : place + 1], floors[place]) for place in at]
    together: np.ndarray[tuple[int], np.dtype[np.bool_]] = looks | np.array([rise is not None for rise in risen])
    return together


def confirmed(before: Floats, step: float, rng: np.random.Generator) -> bool:
    """Head and base run five times each."""
    base, head = rng.choice(before, 5), rng.choice(before, 5) * step
    return alarming([shift(base, head)])[0]


def alarms_of(values: Floats, floors: Floats, rng: np.random.Generator) -> tuple[int, int, int]:
    """What is run again, alarms and checks of an untouched series."""
    at = range(HISTORY, len(values))
    again = np.flatnonzero(looks_slower(values, floors, at)) + HISTORY
    return len(again), sum(confirmed(values[place - HISTORY : place], 1.0, rng) for place in again), len(at)


def hits_of(
    values: Floats, floors: Floats, step: float, rng: np.random.Generator
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Whether a step is alarmed at its first check, at one of the first two, of the first three; rows are places."""
    hits = np.zeros((PLACES, CHECKS), dtype=bool)
    for turn, place in enumerate(rng.integers(HISTORY, len(values) - CHECKS, PLACES)):
        stepped = np.concatenate([values[:place], step * values[place:]])
        looks = looks_slower(stepped, floors, range(place, place + CHECKS))
        hits[turn] = [look and confirmed(values[place - HISTORY : place], step, rng) for look in looks]
    return np.logical_or.accumulate(hits, axis=1)


def levels(bench: Bench) -> bool:
    """Changes of level in made-up series of 120 runs with 10 % noise."""
    rng = bench.rng(5)
    flat = sum(len(changes(np.exp(rng.normal(0, 0.1, 120)))) for _turn in range(100))
    bench.show("changes found in 100 series without one", flat, most=2)
    for step, least in ((1.3, -np.inf), (1.5, 0.9)):
        alone = 0
        for _turn in range(100):
            found = changes(np.exp(rng.normal(0, 0.1, 120)) * np.repeat([1.0, step], 60))
            alone += len(found) == 1 and abs(found[0].at - 60) <= 5
        bench.share(f"steps of x{step:g} found within 5 runs, and nothing else", alone, 100, least=least)
    return True
