"""The rules of triage: what one failure is, by all that is known of it.

Each rule is a small function of one case; they are tried in order, and the first that knows an answer gives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from recloser.values import FailureKind, TestVerdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from recloser.analytics.cases import Case
    from recloser.values import Outage, Tally

CONFIRMED = 2
"""Runs on one code that a failure takes before it is called anything but flaky or not judged."""


class Answer(NamedTuple):
    """What a rule says."""

    kind: FailureKind
    sentence: str
    since: str = ""


def judge(case: Case) -> TestVerdict:
    """The verdict of the first rule that has one."""
    answer = next(answer for rule in RULES if (answer := rule(case)))
    rate = case.rate or (None, None, None)
    return TestVerdict(
        suite=case.suite,
        test_id=case.test_id,
        **answer._asdict(),
        fingerprint=case.fingerprint,
        base=case.good.code.tree if case.good else "",
        head=case.head,
        at_base=case.at_base,
        history=case.history,
        flake_rate=rate[0],
        flake_low=rate[1],
        flake_high=rate[2],
        order=case.order,
        quarantine=case.quarantine,
    )


def in_an_outage(case: Case) -> Answer | None:
    """It failed only while something else was at fault."""
    if not case.outage or case.head.failures:
        return None
    after = f"it passed {_of(case.head.passes, case.head)} otherwise" if case.head.runs else "it was not run again"
    return Answer(FailureKind.INFRASTRUCTURE, f"Failed only while {_outage(case.outage)}; {after}.")


def broken_for_good(case: Case) -> Answer | None:
    """Its outcomes turned at an earlier cycle, beyond what flakiness explains."""
    if not case.broken_since or case.broken_since == case.cycle or case.head.failures < case.head.passes:
        return None
    sentence = f"Broken since {case.broken_since}; failed {_failed(case.head)} now."
    return Answer(FailureKind.ALREADY_BROKEN, sentence, case.broken_since)


def depends_on_order(case: Case) -> Answer | None:
    """It passes or fails by what ran before it."""
    if case.order is None:
        return None
    how = {
        "victim": "passes alone and fails after other tests",
        "brittle": "fails alone and passes after other tests",
    }[case.order]
    return Answer(FailureKind.FLAKY, f"Depends on order: it {how}; failed {_failed(case.head)}.")


def mixed_at_head(case: Case) -> Answer | None:
    """It passed and failed on the very same code in this cycle."""
    if not (case.head.failures and case.head.passes):
        return None
    return Answer(FailureKind.FLAKY, f"Failed {_failed(case.head)} on the same code{_history(case)}.")


def known_as_flaky(case: Case) -> Answer | None:
    """It has been flaky before, and what it did now is no more than that."""
    if not case.suspect or case.convincing:
        return None
    sentence = f"Failed {_failed(case.head)}{_history(case)}: no more than its flakiness explains."
    return Answer(FailureKind.FLAKY, sentence)


def failing_before(case: Case) -> Answer | None:
    """It failed in an earlier cycle and has not passed since."""
    if not case.failing_since:
        return None
    passed = f"; it last passed in {case.passed_in}" if case.passed_in else "; it was never seen to pass"
    sentence = f"Fails since {case.failing_since}{passed}; failed {_failed(case.head)} now."
    return Answer(FailureKind.ALREADY_BROKEN, sentence, case.failing_since)


def by_the_base(case: Case) -> Answer | None:
    """What it did at the base in this cycle, against what it did at head.

    The base need not pass each time, if what it did at head is more than flakiness: two causes may meet in one test.
    """
    base, head = case.at_base, case.head
    if not base.runs or head.runs < CONFIRMED:
        return None
    if base.passes >= min(CONFIRMED, base.runs) and (case.convincing or not base.failures):
        return Answer(
            FailureKind.NEW,
            f"Failed {_failed(head)} at head, passed {_of(base.passes, base)} at base {_name(case)}.",
            case.cycle,
        )
    if base.passes:
        return Answer(FailureKind.FLAKY, f"Failed {_failed(base)} at base {_name(case)}, where nothing has changed.")
    both = f"Failed {_failed(head)} at head and {_failed(base)} at base {_name(case)}"
    if case.passed_in:
        return Answer(
            FailureKind.INFRASTRUCTURE,
            f"{both}, though it passed in {case.passed_in}: something outside the code has changed.",
        )
    return Answer(FailureKind.ALREADY_BROKEN, f"{both}.", case.good.cycle_id if case.good else "")


def passed_on_this_code(case: Case) -> Answer | None:
    """It passed on the same code in the same environment in an earlier cycle."""
    if not case.same_code.passes or not case.head.failures:
        return None
    before = f"the same code in the same environment passed {_of(case.same_code.passes, case.same_code)} before"
    if case.head.runs < CONFIRMED:
        return Answer(FailureKind.FLAKY, f"Failed {_failed(case.head)}; {before}.")
    sentence = f"Failed {_failed(case.head)}; {before}: something outside the code has changed."
    return Answer(FailureKind.INFRASTRUCTURE, sentence)


def unseen_before(case: Case) -> Answer | None:
    """It is a new test, or one whose good state is known from an earlier cycle only."""
    if case.head.runs < CONFIRMED:
        return None
    if not case.known:
        return Answer(FailureKind.NEW, f"Is a new test; failed {_failed(case.head)}.", case.cycle)
    sentence = f"Failed {_failed(case.head)} at head, passed in {case.passed_in}; it was not run at the base again."
    return Answer(FailureKind.NEW, sentence, case.cycle)


def too_little(case: Case) -> Answer:
    """Nothing else holds."""
    before = f"passed in {case.passed_in}" if case.passed_in else "was not run before"
    sentence = f"Failed {_failed(case.head)} and {before}; it was not run again, so it is new or flaky."
    return Answer(FailureKind.NOT_JUDGED, sentence)


RULES: tuple[Callable[[Case], Answer | None], ...] = (
    in_an_outage,
    broken_for_good,
    depends_on_order,
    mixed_at_head,
    known_as_flaky,
    failing_before,
    by_the_base,
    passed_on_this_code,
    unseen_before,
    too_little,
)


def _outage(outage: Outage) -> str:
    return f"{outage.what} ({outage.started_at:%H:%M:%S} to {outage.ended_at:%H:%M:%S} UTC)"


def _history(case: Case) -> str:
    if not case.history.failures or case.rate is None:
        return ""
    _, low, high = case.rate
    return f"; before, {_failed(case.history)} where it also passed ({low:.1%} to {high:.1%} at 90 %)"


def _name(case: Case) -> str:
    """The base, as a person knows it: the commit, or the tree where nothing was committed."""
    code = case.good.code if case.good else None
    return ((code.commit if not code.dirty else None) or code.tree)[:8] if code else "of the last good cycle"


def _failed(tally: Tally) -> str:
    return _of(tally.failures, tally)


def _of(count: int, tally: Tally) -> str:
    return f"{count} of {tally.runs}"
