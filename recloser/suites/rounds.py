"""The rounds of a suite: all of it, what a crash cut off, and then what failed, again."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recloser.suites.ending import refused
from recloser.suites.judge import is_storm
from recloser.suites.launch import Launched, Plan, launch, take_over
from recloser.values import TestStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from recloser.suites.tape import Ended, Tape

MOST_LAUNCHES = 50
"""A process is started again after a test has killed it; each start has to bring at least one test to its end."""
_WENT_ON = {0, 1}


@dataclass
class Rounds:
    """All launches of one run of a suite."""

    plan: Plan
    on_progress: Callable[[int, int], None]

    def __post_init__(self) -> None:
        """Nothing has been launched."""
        self.whole: list[Launched] = []
        """The suite, and what went on after a crash."""
        self.reruns: list[Launched] = []
        self.notes: list[str] = []
        self.broken = ""
        """Why no other process could be launched."""
        self._over = 0
        self._total = 0
        self._take_over()

    @property
    def all(self) -> list[Launched]:
        """In order of time."""
        return [*self.whole, *self.reruns]

    @property
    def interrupted(self) -> bool:
        """Whether a person ended it."""
        return any(launched.interrupted for launched in self.all)

    def run(self) -> None:
        """Run everything there is to run.

        Raises:
            OSError: Nothing of it can be run.
        """
        try:
            self._run()
        except OSError as error:  # such as a full disk: what has run so far has run
            if not self.whole:
                raise
            self.broken = f"it cannot go on: {refused(error, self.plan.scratch)}"
            self.all[-1].tape.forget_crashes()

    def _run(self) -> None:
        if not self.whole:
            self._round(self.plan, self.whole)
        elif not self.reruns and (left := self.left()):
            self._round(self.plan.after_a_crash(left), self.whole)
        for _ in range(self.plan.suite.reruns):
            failing = self._to_be_run_again()
            if not failing or not self._may_run_again(failing):
                return
            self._round(self.plan.rerun(failing), self.reruns)

    def _take_over(self) -> None:
        """Read what a killed run has left: what had ended has ended, what was running is run again."""
        places = sorted(self.plan.scratch.glob("launch-*"), key=lambda place: int(place.name.split("-")[1]))
        for place in places:
            found = take_over(place)
            if found is not None:
                (self.reruns if found.again else self.whole).append(found.launched)
        self._next = len(places)
        self._over = len({ended.test_id for launched in self.whole for ended in launched.tape.ended})

    def left(self) -> list[str]:
        """What the suite has and nobody ran."""
        over = {ended.test_id for ended in self._ended()}
        return [test_id for test_id in self.whole[0].tape.collected or () if test_id not in over]

    def _to_be_run_again(self) -> list[str]:
        """What has failed and has reruns left: a rerun that was killed before a test ended was none of that test's."""
        tries = Counter(ended.test_id for ended in self._ended())
        return [test_id for test_id in still_failing(self._ended()) if tries[test_id] <= self.plan.suite.reruns]

    def _ended(self) -> list[Ended]:
        return [ended for launched in self.all for ended in launched.tape.ended]

    def _round(self, plan: Plan, launches: list[Launched]) -> None:
        for _ in range(MOST_LAUNCHES):
            launches.append(launch(plan, f"launch-{self._next}", self._look(plan)))
            self._next += 1
            self._over += len(launches[-1].tape.ended) * (not plan.again)
            left = launches[-1].tape.left()
            if not left or not goes_on(launches[-1]) or time.monotonic() >= plan.deadline:
                return
            plan = plan.after_a_crash(left)

    def _look(self, plan: Plan) -> Callable[[Tape], None]:
        def look(tape: Tape) -> None:
            self._total = max(self._total, len(tape.collected or ()))
            if self._total and not plan.again:
                self.on_progress(min(self._over + len(tape.ended), self._total), self._total)

        return look

    def _may_run_again(self, failing: list[str]) -> bool:
        if self.all[-1].cut_short:
            return False
        judged = len({ended.test_id for ended in self._ended() if ended.status != TestStatus.SKIPPED})
        if is_storm(len(failing), judged):
            self.notes.append(f"{len(failing)} of {judged} tests failed: too many to be run again")
            return False
        if time.monotonic() >= self.plan.deadline:
            self.notes.append("no time was left to run again what failed")
            return False
        return True


def goes_on(launched: Launched) -> bool:
    """Whether to launch what is left: the last one died, or lost a worker's queue, after some progress."""
    tape = launched.tape
    if launched.cut_short or tape.session is None or not tape.ended:
        return False
    return tape.finish is None or (tape.finish["code"] in _WENT_ON and not tape.finish["early"])


def still_failing(ended: Iterable[Ended]) -> list[str]:
    """Tests that have failed and never passed, in the order in which they first failed."""
    failed: dict[str, None] = {}
    passed = set()
    for attempt in ended:
        if attempt.status in _FAILING:
            failed[attempt.test_id] = None
        elif attempt.status in _PASSING:
            passed.add(attempt.test_id)
    return [test_id for test_id in failed if test_id not in passed]


_FAILING = {str(status) for status in TestStatus if status.is_failure}
_PASSING = {str(status) for status in TestStatus if status.is_pass}
