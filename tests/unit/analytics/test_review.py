"""A month of nights in a few lists."""

import pytest

from recloser.analytics.review import review
from recloser.values import Judgement, Review
from tests.unit.analytics.planted import Nights


@pytest.fixture
def nights() -> Nights:
    """Twenty nights with one test of each kind."""
    nights = Nights()
    for number in range(7):
        nights.run(f"unit {number}", "." * 20)
    nights.run("flow", "." * 20, tier="integration")
    nights.run("whole", "." * 20, tier="e2e", duration_s=60.0)
    nights.run("failing", "." * 18 + "FF", tier="integration")
    return nights


def test_a_month_is_summed_up(nights: Nights) -> None:
    """Failed now, slow, and the shape of the pyramid; the last table says what is as it should be."""
    found = review(nights.frame())
    assert (len(found.cycles), found.tests) == (20, 10)
    assert [(test.test_id, test.passed, test.judged) for test in found.failed] == [("failing", 18, 20)]
    assert [test.test_id for test in found.slow] == ["whole"]
    assert [(tier.tier, tier.tests, tier.share) for tier in found.tiers] == [
        ("unit", 7, 0.7),
        ("integration", 2, 0.2),
        ("e2e", 1, 0.1),
    ]
    status = {metric.name: metric.judgement for metric in found.metrics}
    assert status["obsolete tests"] is Judgement.PASSED
    assert status["slow tests"] is Judgement.FAILED
    assert status["share of unit tests"] is Judgement.PASSED


def test_a_test_that_passes_only_when_run_again_is_flaky(nights: Nights) -> None:
    """Below 95 % of its cycles; one that passes at once in 19 of 20 is not."""
    nights.run("often", ".F.F" + "." * 16)
    nights.again(1, "often", ".", probe="", attempt=2)
    nights.again(3, "often", ".", probe="", attempt=2)
    nights.run("seldom", ".F" + "." * 18)
    flaky = {test.test_id: (test.passed, test.judged) for test in review(nights.frame()).flaky}
    assert flaky == {"failing": (18, 20), "often": (18, 20)}


def test_what_is_skipped_each_time_or_gone_is_obsolete(nights: Nights) -> None:
    """Not what was there last week, and not what is new."""
    nights.run("skipped", "." * 20, judged=False)
    nights.run("gone", "." * 10)
    nights.run("here last week", "." * 17)
    reasons = {test.test_id: test.reason for test in review(nights.frame()).obsolete}
    assert reasons == {"skipped": "skipped in all 20 cycles", "gone": "not there in the last 10 cycles"}


def test_probes_do_not_count(nights: Nights) -> None:
    """They are run to find failures."""
    before = review(nights.frame())
    nights.again(19, "unit 3", "FFFF", probe="shuffled")
    assert review(nights.frame()) == before


def test_a_tier_that_is_far_from_its_share_is_said(nights: Nights) -> None:
    """Shares are of the last cycle; a tier without a target is shown without a status."""
    for number in range(10):
        nights.run(f"more {number}", "." * 20, tier="performance")
    found = review(nights.frame())
    assert found.tiers[-1].target is None
    status = {metric.name: metric.judgement for metric in found.metrics}
    assert status["share of unit tests"] is Judgement.FAILED
    assert "share of performance tests" not in status


def test_no_nights_are_no_review(nights: Nights) -> None:
    """An empty frame has nothing to say."""
    assert review(nights.frame().iloc[:0]) == Review()
