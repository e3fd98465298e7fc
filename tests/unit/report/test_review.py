"""A review as Markdown and as rows of a table."""

from datetime import date

import pytest

from recloser.report.review import MOST_ROWS, review_markdown, review_table, week_table
from recloser.values import IdleTest, Judgement, Metric, Review, SlowTest, TargetReview, TestRate, WeekRow
from tests.unit.quarantine.lists import entry
from tests.unit.report.parsed import ATTACKS, PLAIN, headings, inlines, row_widths


def reviewed(tests: int = 1, name: str = "t") -> TargetReview:
    """A month."""
    rate = TestRate(suite="unit", test_id=name, passed=6, judged=9)
    return TargetReview(
        target="demo",
        first_day=date(2026, 11, 1),
        last_day=date(2026, 11, 30),
        nights=9,
        tests=Review(
            failed=(rate,) * tests,
            slow=(SlowTest(suite="unit", test_id=name, median_s=2.5, durations_s=(2.5,)),),
            obsolete=(IdleTest(suite="unit", test_id=name, reason=name),),
        ),
        quarantine=(entry(name),),
        weeks=(
            WeekRow(monday=date(2026, 11, 2), cycles=2, passed=0, judged=0),
            WeekRow(monday=date(2026, 11, 9), cycles=7, passed=19_999, judged=20_000),
        ),
        metrics=(
            Metric(name="pass rate", value="99.9 % of 20,000", target="at least 95 %", judgement=Judgement.PASSED),
            Metric(name="nights", value="9"),
        ),
        missing=(f"coverage: {name}",),
    )


def test_the_table_has_metric_value_target_and_status() -> None:
    """Where there is no target there is no status."""
    assert review_table(reviewed()) == [
        {"metric": "pass rate", "value": "99\\.9 % of 20,000", "target": "at least 95 %", "status": "✅ passed"},
        {"metric": "nights", "value": "9", "target": "–", "status": "–"},  # noqa: RUF001 - the dash of an empty cell
    ]


def test_weeks_are_rows_the_newest_first_and_nothing_is_rounded_up() -> None:
    """One failure in twenty thousand is not whole; nothing judged is no rate."""
    assert [(row["week of"], row["pass rate"]) for row in week_table(reviewed().weeks)] == [
        ("2026-11-09", "99.99 %"),
        ("2026-11-02", "–"),  # noqa: RUF001 - the dash of an empty cell
    ]


@pytest.mark.parametrize("name", [attack for attack in ATTACKS if attack.isprintable()])
def test_markdown_shows_hostile_names_as_text(name: str) -> None:
    """No link, no image, no heading and no column that is not ours."""
    text = review_markdown(reviewed(name=name), "The month")
    sections = ["Figures", "Failing", "Slow", "Obsolete", "Quarantine that ends", "Pass rate by week"]
    assert headings(text) == ["The month: demo", *sections, "What could not be said"]
    assert {token.type for line in inlines(text) for token in line} <= PLAIN | {"softbreak"}
    assert row_widths(text) == [4] * 3 + [4] * 2 + [4] * 2 + [3] * 2 + [4] * 2 + [5] * 3


def test_a_long_list_is_cut_and_counted() -> None:
    """An artifact is read by a browser as a whole."""
    text = review_markdown(reviewed(MOST_ROWS + 7), "The month")
    assert "7 more are in the JSON." in text
