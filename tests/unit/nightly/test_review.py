"""A month of a target's nights, out of the store."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from recloser.nightly import NightlyError
from recloser.nightly.review import Stretch, due_month, review
from recloser.quarantine.entries import written
from recloser.store import Store
from recloser.target import System
from recloser.values import AwsCall, CycleVerdict, Judgement, TargetReview, TestStatus
from tests.unit.nightly.nights import attempt, cycle, suite_run
from tests.unit.quarantine.lists import entry, system
from tests.unit.store.history.conftest import postgresql_place, sqlite_place, url  # noqa: F401 - fixtures

NOW = datetime(2026, 12, 7, 6, tzinfo=UTC)
NOVEMBER = Stretch.month("2026-11")


def keep(store: Store, day: int, verdict: CycleVerdict = CycleVerdict.GREEN, **fields: object) -> None:
    """A night: two unit tests, one of which fails where the night is red, and one end-to-end test."""
    status = TestStatus.PASSED if verdict is CycleVerdict.GREEN else TestStatus.FAILED
    night = cycle(day, target="demo")
    runs = (
        suite_run(attempt("t::a", TestStatus.PASSED), attempt("t::b", status), **fields),
        suite_run(attempt("e::c", TestStatus.PASSED, suite="e2e"), suite="e2e", tier="e2e"),
    )
    store.history.open_cycle(night)
    began = {"started_at": night.opened_at, "ended_at": night.opened_at}
    for run in (run.model_copy(update=began) for run in runs):
        store.history.save_suite_run(night.cycle_id, run)
    store.history.close_cycle(night.cycle_id, verdict, "", night.opened_at + timedelta(minutes=10))


def figures(told: TargetReview) -> dict[str, tuple[str, Judgement | None]]:
    """The table, by name."""
    return {metric.name: (metric.value, metric.judgement) for metric in told.metrics}


@pytest.fixture
def target(tmp_path: Path) -> System:
    """A target with one entry in quarantine whose test is gone, and which ends soon."""
    return system(tmp_path, written(entry("t::gone", since=date(2026, 11, 20), expires=date(2026, 12, 10))))


@pytest.mark.usefixtures("url")
class TestMonth:
    """On SQLite and PostgreSQL."""

    def test_a_month_is_summed_up(self, url: str, target: System) -> None:  # noqa: F811 - a fixture
        """Nights before and after it count for nothing but the weeks before."""
        calls = (AwsCall(service="s3", operation="GetObject", count=1_000),)
        with Store.open(url) as store:
            keep(store, -20, coverage_percent=10.0)
            keep(store, 0, coverage_percent=80.0, aws_calls=calls)
            keep(store, 1, CycleVerdict.REGRESSION, coverage_percent=78.0)
            keep(store, 2, CycleVerdict.REGRESSION)
            keep(store, 3)
            keep(store, 15, CycleVerdict.RED)
            told = review(store.history, target, NOVEMBER, NOW)
        assert (told.nights, told.green, told.passed, told.judged) == (4, 2, 10, 12)
        assert told.tests.cycles == tuple(cycle(day).cycle_id for day in range(4))
        assert [(test.test_id, test.passed, test.judged) for test in told.tests.flaky] == [("t::b", 2, 4)]
        assert [one.test for one in told.empty_entries] == ["t::gone"]
        assert [one.test for one in told.quarantine] == ["t::gone"]
        assert told.cost_usd == pytest.approx(0.0004)
        # A week belongs to the month in which it begins.
        assert [week.monday for week in told.weeks] == [date(2026, 10, 26), date(2026, 11, 16), date(2026, 11, 30)]
        assert figures(told) == {
            "nights": ("2 of 4 green, in 30 days", None),
            "pass rate": ("83.33 % of 12", Judgement.FAILED),
            "tests that fail": ("0", Judgement.PASSED),
            "flaky tests": ("1", Judgement.FAILED),
            "slow tests": ("0", Judgement.PASSED),
            "obsolete tests": ("0", Judgement.PASSED),
            "share of unit tests": ("67% (2 tests)", Judgement.PASSED),
            "share of integration tests": ("0% (0 tests)", Judgement.FAILED),
            "share of e2e tests": ("33% (1 tests)", Judgement.FAILED),
            "coverage": ("unit 78.0 % (-2.0 pp)", Judgement.FAILED),
            "time to recover": ("48.0 h, mean of 1", Judgement.FAILED),
            "cost of AWS calls": ("0.0004 USD", None),
            "quarantine": ("1 of 50; 0 expired, 1 end soon, 1 of tests that did not run", Judgement.PASSED),
        }
        assert told.missing == ()

    def test_coverage_is_told_week_by_week(self, url: str, target: System) -> None:  # noqa: F811 - a fixture
        """The last night is an odd one: it makes no trend."""
        with Store.open(url) as store:
            for day, percent in enumerate((80.0, 20.0, 80.5, 79.0, 79.0, 30.0)):
                keep(store, day if day < 3 else day + 5, coverage_percent=percent)
            told = review(store.history, target, NOVEMBER, NOW)
        assert figures(told)["coverage"] == ("unit 30.0 % (-1.0 pp, by week 80.0 → 79.0)", Judgement.PASSED)

    def test_what_is_not_on_record_is_said_to_be_so(self, url: str, target: System) -> None:  # noqa: F811 - a fixture
        """A month without a night passes nothing, and attempts that were folded are named."""
        with Store.open(url) as store:
            empty = review(store.history, target, NOVEMBER, NOW)
            keep(store, 0)
            store.history.prune(NOW, keep_cycles=0)
            keep(store, 1)
            folded = review(store.history, target, NOVEMBER, NOW)
        judged = [metric.judgement for metric in empty.metrics if metric.name != "quarantine"]
        assert Judgement.PASSED not in judged
        assert figures(empty)["pass rate"] == ("nothing was judged", Judgement.NOT_VERIFIED)
        # The newest green nights keep their attempts: later ones are compared with them.
        assert (folded.passed, folded.missing) == (6, ())

    def test_a_quarantine_that_cannot_be_read_is_told(self, url: str, tmp_path: Path) -> None:  # noqa: F811 - a fixture
        """And the rest is summed up."""
        with Store.open(url) as store:
            keep(store, 0)
            told = review(store.history, system(tmp_path, "[[test"), NOVEMBER, NOW)
        assert figures(told)["quarantine"] == ("cannot be read", Judgement.NOT_VERIFIED)
        assert "is not valid TOML" in told.missing[0]
        assert told.passed == 3


def test_the_month_that_is_due_is_the_last_whole_one_that_has_a_night(tmp_path: Path) -> None:
    """A newcomer sees the nights there are."""
    with Store.open(f"sqlite:///{tmp_path}/recloser.db") as store:
        keep(store, 0)
        assert due_month(store.history, "demo", date(2026, 12, 7)) == NOVEMBER
        assert due_month(store.history, "demo", date(2026, 11, 28)) == NOVEMBER
        assert due_month(store.history, "other", date(2026, 1, 5)) == Stretch(date(2026, 1, 1), date(2026, 1, 31))


def test_a_stretch_is_whole_days_in_utc() -> None:
    """Months as they are in the calendar, weeks from Monday to Sunday."""
    assert Stretch.month("2028-02") == Stretch(date(2028, 2, 1), date(2028, 2, 29))
    assert Stretch.week_before(date(2026, 11, 23)) == Stretch(date(2026, 11, 16), date(2026, 11, 22))
    assert Stretch.week_before(date(2026, 11, 22)) == Stretch(date(2026, 11, 9), date(2026, 11, 15))
    assert NOVEMBER.holds(datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    assert not NOVEMBER.holds(datetime(2026, 12, 1, tzinfo=UTC))
    for text in ("november", "2026-13", "2026", ""):
        with pytest.raises(NightlyError, match="is no month"):
            Stretch.month(text)
