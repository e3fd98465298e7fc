"""A night's failures as it is asked of them which are one problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.analytics.fingerprints import Sighting
from recloser.nightly.groups import key_of, place_of, title_of
from recloser.nightly.judging import last_attempts, own

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from recloser.analytics.problems import Failing
    from recloser.values import Problem, SuiteRun, TestAttempt


def problems_of(outcomes: pd.DataFrame, cycle: str, runs: Iterable[SuiteRun]) -> tuple[Problem, ...]:
    """What of a night is one problem.

    Args:
        outcomes: Of this night and of those before it, as `History.outcomes` reads them.
        cycle: The night.
        runs: Its suites.
    """
    from recloser.analytics.problems import find_problems  # noqa: PLC0415 - scipy takes a second to import

    if cycle not in outcomes["cycle"].cat.categories:
        return ()
    return find_problems(outcomes, cycle, [failing for run in runs for failing in _failing(run)])


def _failing(run: SuiteRun) -> Iterator[Failing]:
    from recloser.analytics.problems import Failing  # noqa: PLC0415 - as above

    last = last_attempts(run.attempts)
    failed = {attempt.test_id: attempt for attempt in own(run.attempts) if attempt.status.is_failure}
    for test, attempt in failed.items():
        yield Failing(
            run.suite,
            test,
            key_of(attempt),
            title=title_of(attempt),
            where=place_of(attempt),
            sighting=_sighting(attempt),
            lasting=last[test].status.is_failure,
        )


def _sighting(attempt: TestAttempt) -> Sighting | None:
    failure = attempt.failure
    if failure is None:
        return None
    frames = tuple(f"{frame.file}:{frame.function}" for frame in failure.frames)
    return Sighting(failure.exception, failure.message, frames, attempt.test_id)
