"""Each failure of a night is judged by what is known of it, and says by what."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.analytics.triage import triage
from recloser.values import (
    CodeState,
    Cycle,
    CycleVerdict,
    Environment,
    FailureKind,
    OrderDependence,
    Outage,
    TestVerdict,
)
from tests.unit.analytics.planted import Nights, at, cycle_of

TONIGHT = 20
GOOD = Cycle(
    cycle_id=cycle_of(14),
    target="grid",
    opened_at=at(14),
    closed_at=at(14, 60),
    verdict=CycleVerdict.GREEN,
    code=CodeState(tree="t14", commit="4f2a91bcd0"),
    environment=Environment(environment_id="e", python="3.12", platform="linux", machine="x86_64", cpus=2),
)


@pytest.fixture
def nights() -> Nights:
    """Twenty earlier nights of a healthy suite, and tonight's."""
    nights = Nights()
    for number in range(30):
        nights.run(f"healthy {number}", "." * (TONIGHT + 1))
    return nights


def judged(nights: Nights, *outages: Outage, good: Cycle | None = GOOD) -> TestVerdict:
    """The verdict on the one test that failed tonight."""
    (verdict,) = triage(nights.frame(), cycle_of(TONIGHT), now=at(TONIGHT + 1), good=good, outages=outages)
    return verdict


def test_what_passes_at_the_base_and_fails_at_head_is_new(nights: Nights) -> None:
    """Each time, in this very night: the base is named, so that the range to search is known."""
    nights.run("t", "." * TONIGHT + "F")
    nights.again(TONIGHT, "t", "FFF", probe="confirm-head")
    nights.again(TONIGHT, "t", "...", probe="confirm-base", tree="t14")
    verdict = judged(nights)
    assert (verdict.kind, verdict.since, verdict.base) == (FailureKind.NEW, cycle_of(TONIGHT), "t14")
    assert verdict.sentence == "Failed 4 of 4 at head, passed 3 of 3 at base 4f2a91bc."
    assert verdict.fingerprint == "key of t"
    assert verdict.blocks


def test_without_a_base_the_last_night_it_passed_in_is_the_good_state(nights: Nights) -> None:
    """And the sentence says that the base was not run again."""
    nights.run("t", "." * TONIGHT + "F")
    nights.again(TONIGHT, "t", "FF", probe="", attempt=2)
    verdict = judged(nights, good=None)
    assert verdict.kind is FailureKind.NEW
    assert cycle_of(TONIGHT - 1) in verdict.sentence
    assert "not run at the base" in verdict.sentence


def test_what_passes_and_fails_on_the_same_code_is_flaky(nights: Nights) -> None:
    """A single pass among the reruns suffices; the rate is shown with its interval."""
    nights.run("t", "...F......F........." + "F", trees="aaaabbbbccccddddeeeef")
    nights.again(TONIGHT, "t", "FF.", probe="confirm-head", tree="f")
    verdict = judged(nights)
    assert verdict.kind is FailureKind.FLAKY
    assert "Failed 3 of 4 on the same code; before, 2 of 20" in verdict.sentence
    assert verdict.flake_low is not None
    assert verdict.flake_rate is not None
    assert verdict.flake_high is not None
    assert verdict.flake_low < 0.1 < verdict.flake_rate < verdict.flake_high
    assert verdict.quarantine
    assert not verdict.blocks


def test_what_is_flaky_at_the_base_is_flaky(nights: Nights) -> None:
    """Nothing has changed there, so the change is not to blame."""
    nights.run("t", "." * TONIGHT + "F")
    nights.again(TONIGHT, "t", "FFF", probe="confirm-head")
    nights.again(TONIGHT, "t", ".F.", probe="confirm-base", tree="t14")
    assert judged(nights).kind is FailureKind.FLAKY


def test_a_suspect_is_new_only_beyond_what_its_flakiness_explains(nights: Nights) -> None:
    """Four failures in a row are luck for one that fails every third time, fourteen in a row are not."""
    nights.run("t", "..F" * 6 + ".." + "F", trees="aaabbbcccdddeeefffgg" + "h")
    nights.again(TONIGHT, "t", "...", probe="confirm-base", tree="t14")
    nights.again(TONIGHT, "t", "FFF", probe="confirm-head", tree="h")
    assert judged(nights).kind is FailureKind.FLAKY
    nights.again(TONIGHT, "t", "F" * 10, probe="confirm-head", tree="h", minute=40)
    assert judged(nights).kind is FailureKind.NEW


def test_what_failed_at_the_base_takes_more_failures_at_head(nights: Nights) -> None:
    """One failure of three there, after none in twenty nights: seven in a row are more than that."""
    nights.run("t", "." * TONIGHT + "F")
    nights.again(TONIGHT, "t", ".F.", probe="confirm-base", tree="t14")
    nights.again(TONIGHT, "t", "FF", probe="confirm-head")
    assert judged(nights).kind is FailureKind.FLAKY
    nights.again(TONIGHT, "t", "FFFF", probe="confirm-head", minute=40)
    assert judged(nights).kind is FailureKind.NEW


def test_a_flaky_test_that_broke_may_fail_at_the_base_now_and_then(nights: Nights) -> None:
    """It did before; at head it never passes, which its flakiness does not explain."""
    nights.run("t", ".....F" * 3 + ".." + "F", trees="aaaaaabbbbbbccccccdd" + "h")
    nights.again(TONIGHT, "t", ".F.", probe="confirm-base", tree="h")
    nights.again(TONIGHT, "t", "F" * 9, probe="confirm-head", tree="h")
    verdict = judged(nights)
    assert verdict.kind is FailureKind.NEW
    assert verdict.sentence == "Failed 10 of 10 at head, passed 2 of 3 at base 4f2a91bc."


def test_what_has_not_passed_since_an_earlier_night_is_already_broken(nights: Nights) -> None:
    """However well it does at the base: someone was told that night."""
    nights.run("t", "." * 17 + "FFFF")
    nights.again(TONIGHT, "t", "FFF", probe="confirm-head")
    nights.again(TONIGHT, "t", "...", probe="confirm-base", tree="t14")
    verdict = judged(nights)
    assert (verdict.kind, verdict.since) == (FailureKind.ALREADY_BROKEN, cycle_of(17))
    assert verdict.sentence == f"Fails since {cycle_of(17)}; it last passed in {cycle_of(16)}; failed 4 of 4 now."


def test_a_stray_pass_does_not_mend_what_broke_for_good(nights: Nights) -> None:
    """Twenty failures with one pass among them are a break, not flakiness."""
    nights.run("t", "." * 10 + "F" * 10 + "F")
    for night in range(10, TONIGHT + 1):
        nights.again(night, "t", "FFF", probe="confirm-head")
    nights.again(TONIGHT, "t", ".", probe="same", minute=50)
    verdict = judged(nights)
    assert (verdict.kind, verdict.since) == (FailureKind.ALREADY_BROKEN, cycle_of(10))


def test_what_never_passed_anywhere_is_already_broken(nights: Nights) -> None:
    """At the base as little as at head, and in no earlier night."""
    nights.again(TONIGHT, "t", "FF", probe="")
    nights.again(TONIGHT, "t", "FF", probe="confirm-base", tree="t14")
    assert judged(nights).kind is FailureKind.ALREADY_BROKEN


def test_a_new_test_that_never_passed_is_new(nights: Nights) -> None:
    """It was not there before, so there is no older good state to name."""
    nights.again(TONIGHT, "t", "F", probe="")
    nights.again(TONIGHT, "t", "FF", probe="confirm-head")
    assert judged(nights).sentence == "Is a new test; failed 3 of 3."


OUTAGE = Outage(what="service api was down", started_at=at(TONIGHT, 4), ended_at=at(TONIGHT, 6))


@pytest.mark.parametrize("after", ["", "...", " "])
def test_what_failed_only_during_an_outage_is_infrastructure(nights: Nights, after: str) -> None:
    """Whether it was run again after that or not."""
    nights.run("t", "." * TONIGHT + " ")
    nights.again(TONIGHT, "t", "F", probe="", minute=5)
    nights.again(TONIGHT, "t", after, probe="confirm-head")
    verdict = judged(nights, OUTAGE)
    assert verdict.kind is FailureKind.INFRASTRUCTURE
    assert verdict.sentence.startswith("Failed only while service api was down (00:04:00 to 00:06:00 UTC); ")


def test_what_fails_after_an_outage_too_is_judged_without_it(nights: Nights) -> None:
    """An outage excuses nothing that has another cause, nor suites that do not need the service."""
    nights.run("t", "." * TONIGHT + " ")
    nights.again(TONIGHT, "t", "F", probe="", minute=5)
    nights.again(TONIGHT, "t", "FFF", probe="confirm-head")
    nights.again(TONIGHT, "t", "...", probe="confirm-base", tree="t14")
    verdict = judged(nights, OUTAGE)
    assert (verdict.kind, verdict.head.runs) == (FailureKind.NEW, 3)
    assert judged(nights, OUTAGE.model_copy(update={"suites": ("other",)})).head.runs == 4


def test_what_fails_at_a_base_where_it_passed_is_infrastructure(nights: Nights) -> None:
    """The same code passed before: something else has changed, such as the date."""
    nights.run("t", "." * TONIGHT + "F")
    nights.again(TONIGHT, "t", "FFF", probe="confirm-head")
    nights.again(TONIGHT, "t", "FFF", probe="confirm-base", tree="t14")
    verdict = judged(nights)
    assert verdict.kind is FailureKind.INFRASTRUCTURE
    assert "outside the code" in verdict.sentence


def test_what_passed_on_this_code_in_an_earlier_night_is_no_change_of_code(nights: Nights) -> None:
    """Failing each time tonight, it is the surroundings; failing once, it is flaky."""
    nights.run("t", "." * TONIGHT + "F", trees="t" * (TONIGHT + 1))
    assert judged(nights).kind is FailureKind.FLAKY
    nights.again(TONIGHT, "t", "FFF", probe="confirm-head", tree="t")
    assert judged(nights).kind is FailureKind.INFRASTRUCTURE


def test_one_failure_without_a_rerun_is_not_judged(nights: Nights) -> None:
    """New or flaky cannot be told; the sentence says what is missing."""
    nights.run("t", "." * TONIGHT + "F")
    verdict = judged(nights)
    assert verdict.kind is FailureKind.NOT_JUDGED
    assert "was not run again" in verdict.sentence


@pytest.mark.parametrize(
    ("usual", "others", "alone", "order"),
    [
        ("FFF", "", "..", OrderDependence.VICTIM),
        ("FF", "", "..", None),
        ("...", "F.F", "..", OrderDependence.VICTIM),
        ("...", "...", "FF", OrderDependence.BRITTLE),
        ("...", "F..", "..", None),
        ("F.F", "", "..", None),
        ("...", "", "F.", None),
    ],
)
def test_order_dependence_is_told_by_probes(
    nights: Nights, usual: str, others: str, alone: str, order: OrderDependence | None
) -> None:
    """Passes alone and fails after others, or the reverse; what fails now and then is merely flaky."""
    nights.run("t", "." * TONIGHT + usual[0])
    nights.again(TONIGHT, "t", usual, probe="same")
    nights.again(TONIGHT, "t", others, probe="shuffled", minute=40)
    nights.again(TONIGHT, "t", alone, probe="isolated", minute=50)
    verdict = judged(nights)
    assert (verdict.kind, verdict.order) == (FailureKind.FLAKY, order)


def test_a_storm_is_infrastructure_and_says_what_the_base_did(nights: Nights) -> None:
    """All of it has one sentence; what else failed in it is judged on its own."""
    for number in range(20):
        nights.run(f"struck {number}", "." * TONIGHT + "F", fingerprint="one")
    nights.again(TONIGHT, "struck 3", "..", probe="confirm-base", tree="t14")
    nights.run("t", "." * TONIGHT + "F")
    verdicts = triage(nights.frame(), cycle_of(TONIGHT), now=at(TONIGHT + 1), good=GOOD)
    assert [verdict.kind for verdict in verdicts] == [FailureKind.INFRASTRUCTURE] * 20 + [FailureKind.NOT_JUDGED]
    assert {verdict.sentence for verdict in verdicts[:20]} == {
        "Part of a storm: 20 of 51 tests of the cycle failed with one fingerprint; 2 of 2 of them passed at the base."
    }


def test_storms_and_outages_of_earlier_nights_count_for_nothing(nights: Nights) -> None:
    """A night in which everything failed does not make a test already broken."""
    for number in range(30):
        nights.run(f"struck {number}", "." * 19 + "F" + ".", fingerprint="one")
    nights.run("t", "." * 19 + "FF", fingerprint="one")
    nights.again(TONIGHT, "t", "FF", probe="confirm-head")
    nights.again(TONIGHT, "t", "..", probe="confirm-base", tree="t14")
    assert judged(nights).kind is FailureKind.NEW


def test_quarantine_is_marked_and_does_not_block(nights: Nights) -> None:
    """What is declared is shown with the verdict of its evidence."""
    nights.run("t", "." * 17 + "FFFF")
    (verdict,) = triage(nights.frame(), cycle_of(TONIGHT), now=at(TONIGHT + 1), quarantined={("unit", "t")})
    assert (verdict.kind, verdict.quarantined, verdict.blocks) == (FailureKind.ALREADY_BROKEN, True, False)


def test_later_nights_do_not_count(nights: Nights) -> None:
    """A night can be judged again as it was: what was learnt after it is left out."""
    nights.run("t", "." * 17 + "FFFF")
    frame = nights.frame()
    (verdict,) = triage(frame, cycle_of(17), now=at(18))
    assert verdict == triage(frame[frame["run"] <= 17], cycle_of(17), now=at(18))[0]
    assert verdict.kind is FailureKind.NOT_JUDGED


def test_a_green_night_and_an_unknown_one_have_no_verdicts(nights: Nights) -> None:
    """Nothing failed, or nothing ran."""
    assert triage(nights.frame(), cycle_of(TONIGHT), now=at(TONIGHT + 1)) == ()
    assert triage(nights.frame(), "20990101", now=at(TONIGHT + 1)) == ()
    assert triage(nights.frame().iloc[:0], cycle_of(TONIGHT), now=at(TONIGHT + 1)) == ()


OUTCOMES = st.text(alphabet=".F ", max_size=4)


@settings(max_examples=20, deadline=None)
@given(st.text(alphabet=".F ", min_size=6, max_size=6), OUTCOMES, OUTCOMES, OUTCOMES, st.booleans())
def test_every_failed_test_has_one_verdict_and_no_other_has(
    earlier: str,
    head: str,
    base: str,
    alone: str,
    declared: bool,  # noqa: FBT001
) -> None:
    """Whatever was run and whatever came of it."""
    nights = Nights()
    nights.run("t", earlier)
    nights.run("other", "......")
    nights.again(5, "t", head, probe="confirm-head")
    nights.again(5, "t", base, probe="confirm-base", tree="t2")
    nights.again(5, "t", alone, probe="isolated", minute=45)
    quarantined = {("unit", "t")} if declared else set()
    verdicts = triage(nights.frame(), cycle_of(5), now=at(6), good=GOOD, quarantined=quarantined)
    failed = "F" in earlier[5] + head + alone
    assert [verdict.test_id for verdict in verdicts] == ["t"] * failed
    for verdict in verdicts:
        assert verdict.head.failures == (earlier[5] + head + alone).count("F")
        assert verdict.at_base.passes == base.count(".")
        assert verdict.kind is not FailureKind.NEW or not verdict.head.passes
