"""What nights propose: who comes in, who may leave, and why."""

from datetime import timedelta
from pathlib import Path

from recloser.quarantine.candidates import evidence_of, flake_standings, proposals, release_standing, releases
from recloser.values import OrderDependence, Outage, Tally
from tests.unit.analytics.planted import Nights, at
from tests.unit.quarantine.lists import entry, loaded

FLAKY = "F.F.F.F."
"""On two trees: both are mixed."""


def flaky(nights: Nights, test: str = "t", **facts: object) -> Nights:
    """With a test that belongs into quarantine."""
    nights.run(test, FLAKY, trees="aaaabbbb", **facts)
    return nights


class TestProposals:
    """Who comes in."""

    def test_what_is_flaky_enough_is_proposed_with_its_evidence(self, tmp_path: Path) -> None:
        """And ends by itself, since a person has to look at it again."""
        (found,) = proposals(flaky(Nights()).frame(), loaded(tmp_path, owner="ada", max_days=10), now=at(8))
        assert (found.key, found.owner) == (("unit", "t"), "ada")
        assert (found.since, found.expires) == (at(8).date(), at(18).date())
        assert (found.evidence.runs, found.evidence.failures, found.evidence.mixed_states) == (8, 4, 2)
        assert found.evidence.score is not None
        assert found.evidence.score > 0.01
        assert found.reason == "failed 4 of 8 runs where it also passed, both within 2 states"

    def test_the_flakiest_comes_first(self, tmp_path: Path) -> None:
        """Room is limited, and given in this order."""
        nights = Nights()
        nights.run("often", " " * 40 + FLAKY, trees=" " * 40 + "aaaabbbb")
        nights.run("seldom", ("F." + "." * 10) * 4, trees="a" * 24 + "b" * 24)
        found = proposals(nights.frame(), loaded(tmp_path), now=at(48))
        assert [one.test for one in found] == ["often", "seldom"]

    def test_what_is_broken_is_not_proposed(self, tmp_path: Path) -> None:
        """It is to be repaired."""
        nights = Nights()
        nights.run("t", "." * 30 + "F" * 30, trees="a" * 29 + "b" * 31)
        assert proposals(nights.frame(), loaded(tmp_path), now=at(60)) == ()

    def test_what_has_an_entry_is_not_proposed_even_if_it_has_expired(self, tmp_path: Path) -> None:
        """That is for its owner to say."""
        quarantine = loaded(tmp_path).added(entry("t", expires=at(1).date()))
        assert proposals(flaky(Nights()).frame(), quarantine, now=at(40)) == ()

    def test_old_failures_do_not_bring_back_what_may_leave(self, tmp_path: Path) -> None:
        """Or a release would last a day."""
        nights = flaky(Nights(), tier="e2e", suite="e2e")
        assert proposals(nights.frame(), loaded(tmp_path), now=at(8))
        nights.again(8, "t", "." * 14, probe="", tier="e2e", suite="e2e")
        assert proposals(nights.frame(), loaded(tmp_path), now=at(9)) == ()

    def test_storms_and_outages_propose_nothing(self, tmp_path: Path) -> None:
        """What fails with everything else, or while a service is down, says nothing of itself."""
        stormy = flaky(Nights())
        for number in range(20):
            flaky(stormy, f"t{number}")
        assert proposals(stormy.frame(), loaded(tmp_path), now=at(8)) == ()
        outages = [
            Outage(what="service api was down", started_at=at(night), ended_at=at(night, 1)) for night in (0, 2, 4, 6)
        ]
        assert proposals(flaky(Nights()).frame(), loaded(tmp_path), now=at(8), outages=outages) == ()

    def test_order_dependence_is_part_of_the_evidence(self, tmp_path: Path) -> None:
        """It passes alone each time, and in its usual place, and fails when the order changes."""
        nights = Nights()
        nights.run("t", "..", trees="ab")
        for night in (0, 1):
            nights.again(night, "t", "..", probe="isolated", tree="ab"[night])
            nights.again(night, "t", "...", probe="same", tree="ab"[night])
            nights.again(night, "t", "FF.", probe="shuffled", tree="ab"[night])
        (found,) = proposals(nights.frame(), loaded(tmp_path), now=at(2))
        assert found.evidence.order is OrderDependence.VICTIM
        assert evidence_of(nights.frame(), "unit", "t", now=at(2)) == found.evidence

    def test_a_suite_that_is_declared_no_more_proposes_nothing(self, tmp_path: Path) -> None:
        """An entry of it could not be read."""
        assert proposals(flaky(Nights(), suite="gone").frame(), loaded(tmp_path), now=at(8)) == ()


class TestReleases:
    """Who may leave."""

    def test_what_has_been_clean_for_long_enough_is_released(self, tmp_path: Path) -> None:
        """Also where its entry has expired; what has not run stays."""
        nights = Nights()
        nights.run("t", "F" + "." * 14, tier="e2e", suite="e2e")
        nights.run("u", "F" + "." * 13, tier="e2e", suite="e2e")
        quarantine = loaded(tmp_path)
        for test in ("t", "u", "never"):
            quarantine = quarantine.added(entry(test, suite="e2e"))
        (found,) = releases(nights.frame(), quarantine)
        assert (found.entry.test, found.standing.clean_runs) == ("t", 14)

    def test_what_the_entry_knows_of_order_counts(self, tmp_path: Path) -> None:
        """The failures that showed it may be too old to be in the frame."""
        nights = Nights()
        nights.run("t", "." * 20, tier="e2e", suite="e2e")
        quarantine = loaded(tmp_path).added(entry("t", suite="e2e", evidence={"order": "victim"}))
        assert releases(nights.frame(), quarantine) == ()
        standing = release_standing(nights.frame(), quarantine, "e2e", "t")
        assert standing is not None
        assert standing.sentence == "20 of 14 clean runs and 0 of 2 shuffled without a failure"


class TestStandings:
    """Why."""

    def test_each_environment_stands_for_itself(self) -> None:
        """The flakiest first, with states, score, rate, interval and change point."""
        nights = flaky(Nights())
        nights.run("t", "....", trees="cccc")
        for row in nights.rows[8:]:
            row["state"] = "c|other"
        worst, other = flake_standings(nights.frame(), "unit", "t", now=at(8))
        assert (worst.environment, worst.states, worst.mixed_states, worst.quarantine) == ("e", 2, 2, True)
        assert worst.tally == Tally(failures=4, runs=8)
        assert worst.low < worst.rate < worst.high
        assert worst.changed_in
        assert (other.environment, other.mixed_states, other.changed_in) == ("other", 0, "")

    def test_a_test_that_turned_is_said_to_be_broken(self) -> None:
        """Since when, and how sure that is."""
        nights = Nights()
        nights.run("t", "." * 30 + "F" * 30)
        (told,) = flake_standings(nights.frame(), "unit", "t", now=at(60))
        assert told.broken
        assert (told.changed_in, told.rate_before, told.rate_after) == (
            f"{at(30):%Y%m%d}",
            0.0,
            1.0,
        )

    def test_an_unknown_test_has_none(self) -> None:
        """Nothing is made up."""
        frame = flaky(Nights()).frame()
        assert flake_standings(frame, "unit", "u", now=at(8) + timedelta(days=1)) == ()
        assert evidence_of(frame, "unit", "u", now=at(8)).runs == 0
