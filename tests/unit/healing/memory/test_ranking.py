"""Remedies in the order of their record: what is worked out holds for any record."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.healing.memory import standings
from recloser.healing.memory.ranking import HALF_LIFE, RETIRED_FOR, remembered
from recloser.values import Cause, Outcome, Standing

NOW = datetime(2026, 5, 4, tzinfo=UTC)
REMEDIES = ("raise_memory", "lower_parallelism", "retry_same")
ages = st.timedeltas(timedelta(0), timedelta(days=60))


def outcome(
    *, worked: bool, age: timedelta, remedy: str = "raise_memory", signature: str = "S020", target: str = "optimo"
) -> Outcome:
    """One outcome, `age` before now."""
    return Outcome(
        incident_id="i",
        attempt=1,
        target=target,
        signature=signature,
        cause=Cause.OOM,
        remedy=remedy,
        worked=worked,
        at=NOW - age,
    )


any_outcome = st.builds(
    outcome,
    worked=st.booleans(),
    age=ages,
    remedy=st.sampled_from(REMEDIES),
    signature=st.sampled_from(["S020", "S021"]),
    target=st.sampled_from(["optimo", "grid"]),
)
records = st.lists(any_outcome, max_size=30)


def ranked(outcomes: list[Outcome], now: datetime = NOW) -> tuple[Standing, ...]:
    """The standings of the three remedies for S020 on optimo."""
    return standings(REMEDIES, outcomes, signature="S020", target="optimo", now=now)


def raised(outcomes: list[Outcome]) -> Standing:
    """The standing of raise_memory."""
    return next(standing for standing in ranked(outcomes) if standing.remedy == "raise_memory")


@given(records, st.randoms())
def test_the_order_of_reading_does_not_matter(outcomes: list[Outcome], random: object) -> None:
    """A record says the same however the database gives it back."""
    shuffled = list(outcomes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert [s.remedy for s in ranked(shuffled)] == [s.remedy for s in ranked(outcomes)]
    assert [s.hoped for s in ranked(shuffled)] == pytest.approx([s.hoped for s in ranked(outcomes)])


@given(records)
def test_every_remedy_stands_once_and_retired_ones_stand_last(outcomes: list[Outcome]) -> None:
    """Nothing is lost, and the order is what is said of it."""
    found = ranked(outcomes)
    assert sorted(s.remedy for s in found) == sorted(REMEDIES)
    for better, worse in pairwise(found):
        assert (better.retired, -better.hoped) <= (worse.retired, -worse.hoped)
    assert all(0 <= s.expected <= s.hoped <= 1 and s.worked <= s.tried for s in found)


@given(records, ages)
def test_a_success_never_lowers_and_a_failure_never_raises_what_is_expected(
    outcomes: list[Outcome], age: timedelta
) -> None:
    """What is expected follows the record."""
    before = raised(outcomes).expected
    assert raised([*outcomes, outcome(worked=True, age=age)]).expected >= before - 1e-9
    assert raised([*outcomes, outcome(worked=False, age=age)]).expected <= before + 1e-9


@given(records)
def test_in_the_long_run_everything_is_forgotten(outcomes: list[Outcome]) -> None:
    """After a year all remedies stand as new ones do, in the order of the catalogue."""
    found = ranked(outcomes, NOW + timedelta(days=365))
    assert [s.remedy for s in found] == list(REMEDIES)
    assert all(s.expected == pytest.approx(0.5) and not s.retired for s in found)


@given(ages)
def test_half_is_forgotten_in_a_half_life(age: timedelta) -> None:
    """Forgetting is exponential, and 20 days hold 93.75 % of the memory."""
    assert remembered(NOW - age - HALF_LIFE, NOW) == pytest.approx(remembered(NOW - age, NOW) / 2)
    assert 1 - remembered(NOW - timedelta(days=20), NOW) == pytest.approx(0.9375)
    assert remembered(NOW + age, NOW) == 1


def test_without_a_record_the_catalogue_decides() -> None:
    """All stand alike: an even chance, and much is hoped of it."""
    found = ranked([])
    assert [s.remedy for s in found] == list(REMEDIES)
    assert {(s.expected, round(s.hoped, 2)) for s in found} == {(0.5, 0.79)}
    assert found[0].said == "raise_memory was not tried for S020 on this target"


def test_a_new_one_gets_its_chance_after_a_failure_and_not_after_a_good_record() -> None:
    """One failure lets the next one try; four of five successes do not."""
    hour = timedelta(hours=1)
    assert ranked([outcome(worked=False, age=hour)])[0].remedy == "lower_parallelism"
    good = [outcome(worked=number != 2, age=number * hour) for number in range(5)]
    assert ranked(good)[0].remedy == "raise_memory"
    assert raised(good).said == "raise_memory worked 4 of 5 times since Sun 2026-05-03"


def test_what_worked_elsewhere_is_tried_first_and_counts_less_than_what_worked_here() -> None:
    """Signature and target, then signature, then remedy."""
    day = timedelta(days=1)
    elsewhere = outcome(worked=True, age=day, remedy="retry_same", target="grid")
    otherwise = outcome(worked=True, age=day, remedy="lower_parallelism", signature="S021")
    assert ranked([elsewhere])[0].remedy == ranked([elsewhere, otherwise])[0].remedy == "retry_same"
    here = [outcome(worked=False, age=day, remedy="retry_same") for _ in range(2)]
    assert ranked([elsewhere, *here])[-1].remedy == "retry_same"


def test_what_worked_lately_is_preferred_to_what_worked_once() -> None:
    """An old success weighs little against a new one."""
    old = outcome(worked=True, age=timedelta(days=40))
    new = outcome(worked=True, age=timedelta(days=1), remedy="retry_same")
    assert ranked([old, new])[0].remedy == "retry_same"


class TestRetired:
    """Three failures in a row, for this signature on this target."""

    def failures(self, number: int, **fields: str) -> list[Outcome]:
        """So many, a day apart, the last one yesterday."""
        return [outcome(worked=False, age=timedelta(days=day + 1), **fields) for day in range(number)]

    def test_by_the_third_failure(self) -> None:
        """Two are bad luck, three are enough; the sentence says so."""
        assert not raised(self.failures(2)).retired
        assert raised(self.failures(3)).said == (
            "raise_memory worked 0 of 3 times since Fri 2026-05-01; retired after failing, last on Sun 2026-05-03"
        )

    def test_not_by_failures_elsewhere(self) -> None:
        """Another target or another signature does not retire it here."""
        assert not raised([*self.failures(2), *self.failures(3, target="grid")]).retired
        assert not raised(self.failures(3, signature="S021")).retired

    def test_not_after_a_success(self) -> None:
        """Only an unbroken row counts."""
        assert not raised([*self.failures(3), outcome(worked=True, age=timedelta(0))]).retired

    def test_for_twenty_days(self) -> None:
        """After that it gets one chance; one more failure retires it again."""
        late = NOW - timedelta(days=1) + RETIRED_FOR
        by_name = {s.remedy: s for s in ranked(self.failures(3), late)}
        assert not by_name["raise_memory"].retired
        again = [*self.failures(3), outcome(worked=False, age=NOW - late)]
        assert {s.remedy: s for s in ranked(again, late)}["raise_memory"].retired
