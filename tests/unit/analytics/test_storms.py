"""Where everything fails at once, no single test is to blame."""

import pytest

from recloser.analytics.storms import calm, storms
from recloser.values import Outage
from tests.unit.analytics.planted import Nights, at, cycle_of


def night_of(failing: int, of: int, *, alike: bool, suite: str = "unit") -> Nights:
    """One night in which so many tests fail."""
    nights = Nights()
    for number in range(of):
        key = "one" if alike else f"key {number}"
        failed = number < failing
        nights.run(f"t{number}", "F" if failed else ".", suite=suite, fingerprint=key if failed else None)
    return nights


@pytest.mark.parametrize(
    ("failing", "of", "alike", "stormy"),
    [
        (11, 40, True, True),
        (11, 40, False, False),
        (10, 12, True, False),
        (20, 100, True, False),
        (21, 100, True, True),
        (80, 100, False, False),
        (81, 100, False, True),
        (3, 3, False, False),
    ],
)
def test_a_storm_is_a_share_and_a_number(failing: int, of: int, alike: bool, stormy: bool) -> None:  # noqa: FBT001
    """More than 20 % with one fingerprint or more than 80 % at all, and more than ten tests."""
    found = storms(night_of(failing, of, alike=alike).frame())
    assert len(found) == stormy
    if stormy:
        (storm,) = found
        assert (storm.cycle, storm.suite, storm.failed, storm.judged) == (cycle_of(0), "", failing, of)
        assert storm.fingerprint == ("one" if failing <= 0.8 * of else "")


def test_a_suite_goes_down_alone() -> None:
    """Its cycle goes on; the storm names the suite."""
    nights = night_of(20, 20, alike=False, suite="api")
    for number in range(200):
        nights.run(f"u{number}", ".")
    (storm,) = storms(nights.frame())
    assert (storm.suite, storm.failed) == ("api", 20)
    assert set(calm(nights.frame(), [storm])["suite"]) == {"unit"}


def test_reruns_and_probes_do_not_make_a_storm() -> None:
    """What fails is run more often than what passes."""
    nights = night_of(15, 100, alike=True)
    for number in range(15):
        nights.again(0, f"t{number}", "FFF", probe="confirm-head", fingerprint="one")
        nights.again(0, f"t{number}", "FFF", probe="", attempt=2, fingerprint="one")
    assert storms(nights.frame()) == ()


def test_failures_in_an_outage_do_not_speak_and_passes_do() -> None:
    """A failure that began before its end, or ended after its start, fell into it."""
    nights = Nights()
    for minute, outcome in enumerate("F.FF.F"):
        nights.again(0, f"t{minute}", outcome, probe="", minute=minute)
    outage = Outage(what="api was down", started_at=at(0, 2), ended_at=at(0, 3))
    kept = calm(nights.frame(), [], [outage])
    assert sorted(kept["test"]) == ["t0", "t1", "t4", "t5"]
    assert len(calm(nights.frame(), [], [outage.model_copy(update={"suites": ("other",)})])) == 6


def test_nothing_is_calm() -> None:
    """An empty frame has no storm."""
    assert storms(night_of(1, 2, alike=True).frame().iloc[:0]) == ()
