"""What is run again, and what is left out for want of time."""

import pytest

from recloser.analytics.probes import plan_probes
from recloser.values import Probe, ProbeKind, ProbePlan
from tests.unit.analytics.planted import Nights, at, cycle_of
from tests.unit.analytics.test_triage import GOOD, TONIGHT


@pytest.fixture
def nights() -> Nights:
    """Twenty earlier nights of a healthy suite of ten seconds, and tonight's."""
    nights = Nights()
    for number in range(10):
        nights.run(f"healthy {number}", "." * (TONIGHT + 1))
    return nights


def planned(nights: Nights, *, budget_s: float = 1e6, based: bool = True) -> ProbePlan:
    """The plan of tonight."""
    now = at(TONIGHT + 1)
    return plan_probes(
        nights.frame(), cycle_of(TONIGHT), budget_s=budget_s, now=now, good=GOOD if based else None, start_s=0.5
    )


def kinds(plan: ProbePlan) -> dict[ProbeKind, Probe]:
    """Its probes by their kind."""
    return {probe.kind: probe for probe in plan.probes}


def test_a_green_night_of_old_tests_asks_for_nothing(nights: Nights) -> None:
    """Nothing failed, nothing is new, nothing is suspect."""
    assert planned(nights) == ProbePlan()


def test_a_failure_is_confirmed_at_head_and_at_the_base(nights: Nights) -> None:
    """Three times each; without a good state there is no base."""
    nights.run("t", "." * TONIGHT + "F")
    found = planned(nights).probes
    assert [(probe.kind, probe.tests, probe.runs) for probe in found] == [
        (ProbeKind.CONFIRM_HEAD, ("t",), 3),
        (ProbeKind.CONFIRM_BASE, ("t",), 3),
    ]
    assert found[0].expected_s == pytest.approx(3 * 1.5)
    assert set(kinds(planned(nights, based=False))) == {ProbeKind.CONFIRM_HEAD}


def test_what_is_settled_is_not_confirmed_again(nights: Nights) -> None:
    """Neither what broke earlier, nor what passed again, nor what has been confirmed."""
    nights.run("broken", "." * 18 + "FFF")
    nights.run("new", "." * TONIGHT + "F")
    nights.again(TONIGHT, "new", "FFF", probe="confirm-head")
    nights.again(TONIGHT, "new", "...", probe="confirm-base")
    nights.run("flaky", "." * TONIGHT + "F")
    nights.again(TONIGHT, "flaky", ".", probe="", attempt=2)
    assert not kinds(planned(nights)).keys() & {ProbeKind.CONFIRM_HEAD, ProbeKind.CONFIRM_BASE}


def test_a_suspect_is_run_in_every_way(nights: Nights) -> None:
    """Alone, shuffled, in the same order and reversed; a whole suite costs what all its tests take."""
    nights.run("t", "." * TONIGHT + ".", trees="a" * (TONIGHT + 1))
    nights.again(3, "t", "F", probe="", tree="a")
    found = kinds(planned(nights))
    assert {kind: probe.runs for kind, probe in found.items()} == {
        ProbeKind.ISOLATED: 2,
        ProbeKind.SHUFFLED: 3,
        ProbeKind.SAME: 3,
        ProbeKind.REVERSED: 1,
    }
    assert found[ProbeKind.SHUFFLED].expected_s == pytest.approx(3 * 11.5)
    nights.again(TONIGHT, "t", "...", probe="shuffled", tree="a")
    assert ProbeKind.SHUFFLED not in kinds(planned(nights))


@pytest.mark.parametrize(("duration_s", "runs"), [(1.0, 10), (8.0, 5), (30.0, 3), (31.0, 2), (301.0, 1)])
def test_a_new_test_is_burnt_in_by_its_duration(nights: Nights, duration_s: float, runs: int) -> None:
    """The quicker, the more often."""
    nights.again(TONIGHT, "t", ".", probe="", duration_s=duration_s)
    found = kinds(planned(nights))
    assert (found[ProbeKind.BURN_IN].tests, found[ProbeKind.BURN_IN].runs) == (("t",), runs)
    assert ProbeKind.ISOLATED in found


def test_a_suite_that_looks_new_is_not_burnt_in(nights: Nights) -> None:
    """A renamed folder makes every test look new; so does a first night."""
    for number in range(5):
        nights.again(TONIGHT, f"t{number}", ".", probe="")
    assert planned(nights) == ProbePlan()


def test_a_storm_is_sampled(nights: Nights) -> None:
    """Five tests tell whether it is over."""
    for number in range(40):
        nights.run(f"struck {number}", "." * TONIGHT + "F", fingerprint="one")
    found = kinds(planned(nights))
    assert [len(found[kind].tests) for kind in (ProbeKind.CONFIRM_HEAD, ProbeKind.CONFIRM_BASE)] == [5, 5]


def test_what_does_not_fit_is_left_out_and_said(nights: Nights) -> None:
    """Quick tests first; a budget is never exceeded, and nothing is lost without a word."""
    for seconds in (1, 2, 40):
        nights.run(f"t{seconds}", "." * TONIGHT + "F", duration_s=float(seconds))
    plan = planned(nights, budget_s=25)
    assert kinds(plan)[ProbeKind.CONFIRM_HEAD].tests == ("t1", "t2")
    assert kinds(plan)[ProbeKind.CONFIRM_BASE].tests == ("t1", "t2")
    assert [probe.tests for probe in plan.left_out] == [("t40",), ("t40",)]
    assert plan.expected_s <= 25
    nothing = planned(nights, budget_s=0)
    assert nothing.probes == ()
    assert sum(len(probe.tests) for probe in nothing.left_out) == 6


def test_a_storm_is_asked_about_once(nights: Nights) -> None:
    """A few of its tests, at head and at the base: what they answered is not asked again until the time is over."""
    for number in range(12):
        nights.run(f"t{number}", "." * TONIGHT + "F", fingerprint="one")
    asked = planned(nights)
    assert {probe.kind: len(probe.tests) for probe in asked.probes} == {
        ProbeKind.CONFIRM_HEAD: 5,
        ProbeKind.CONFIRM_BASE: 5,
    }
    for probe in asked.probes:
        for test in probe.tests:
            nights.again(TONIGHT, test, "FFF", probe=probe.kind)
    assert planned(nights) == ProbePlan()
