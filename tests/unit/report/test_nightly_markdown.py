"""A night as Markdown for the Prefect UI."""

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.report.nightly import nightly_markdown, nightly_table
from recloser.report.nightly.markdown import MOST_BYTES
from tests.unit.report.nights import a_green_night, a_night, a_storm, with_every_text
from tests.unit.report.parsed import ATTACKS, PLAIN, block_types, headings, inlines, row_widths
from tests.unit.store.strategies import any_text


@cache
def harmless_shape() -> tuple[list[str], list[int]]:
    """The blocks and the widths of the tables' rows where every text is the same letter."""
    text = nightly_markdown(with_every_text(a_night(), "x"))
    return block_types(text), row_widths(text)


class TestMarkdown:
    """The same in the same order, shorter."""

    def test_stands_in_the_order_of_the_page(self) -> None:
        """The verdict first."""
        found = headings(nightly_markdown(a_night()))
        residual = "AssertionError: residual 0.0312 MW at bus 14, at most 1e-06 is allowed"
        assert found[:6] == [
            "✕ Regression: gridmodel",
            "What is new (5 new failures)",
            "What is one problem (7 failed tests, 2 problems)",
            f"✕ co-failing: its tests keep failing together: {residual}",
            "Failures, by cause (6 failed tests, 2 causes)",
            f"✕ new: {residual}",
        ]
        assert found[-1] == "Versions"

    def test_says_what_was_not_verified_beside_what_passed(self) -> None:
        """With its reason."""
        text = nightly_markdown(a_night())
        gap = "- ? suite performance: service worker was given up: it crashed 5 times in 60 s"
        assert text.index(gap) < text.index("- ✓ suite integration: 183 tests passed")

    def test_a_green_night_is_short(self) -> None:
        """And says so first."""
        text = nightly_markdown(a_green_night())
        assert text.startswith("# ✓ Passed: gridmodel\n\n**Every suite, data set and service held.**")
        assert "Failures, by cause" not in text

    @given(st.sampled_from(ATTACKS) | any_text)
    @settings(max_examples=25, deadline=None)
    def test_no_text_becomes_markup(self, text: str) -> None:
        """Every block is the one that harmless texts would have; every line is plain."""
        hostile = nightly_markdown(with_every_text(a_night(), f"x{text}"))
        assert (block_types(hostile), row_widths(hostile)) == harmless_shape()
        assert {token.type for line in inlines(hostile) for token in line} <= PLAIN
        assert hostile.encode()

    def test_is_small_whatever_happened(self) -> None:
        """10,000 tests, 500 causes, texts of a megabyte."""
        text = nightly_markdown(with_every_text(a_storm(causes=500), "`<&" * 300_000))
        assert len(text.encode()) <= MOST_BYTES


class TestTable:
    """The suites as rows."""

    def test_has_a_row_for_each_suite(self) -> None:
        """By tier, with verdict and counts."""
        rows = nightly_table(a_night())
        assert [row["suite"] for row in rows] == ["unit", "integration", "e2e", "performance"]
        assert rows[3]["verdict"] == "? not verified"
        assert rows[0] | {"passed": "1,206", "failed": "✕ 5"} == rows[0]

    def test_cells_are_harmless(self) -> None:
        """A name stays in its cell."""
        (row, *_) = nightly_table(with_every_text(a_night(), "a|b\n# c <script>"))
        assert row["suite"] == r"a\|b \# c &lt;script&gt;"
