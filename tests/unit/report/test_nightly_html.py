"""The page of a night: what stands on it, in which order, and that nothing on it does anything."""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.report.nightly import nightly_html, nightly_markdown
from recloser.report.nightly.html import MOST_BYTES
from recloser.values import (
    CodeChange,
    Comparison,
    CycleReport,
    CycleVerdict,
    DataRun,
    Judgement,
    SuiteSummary,
    TestChange,
    TestStatus,
)
from tests.unit.report.nights import a_green_night, a_night, a_storm, with_every_number, with_every_text
from tests.unit.report.parsed import ATTACKS
from tests.unit.store.strategies import any_text


class Parsed(HTMLParser):
    """A page as a browser would take it apart."""

    def __init__(self, page: str) -> None:
        """Parse a page."""
        super().__init__()
        self.shape: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str]] = []
        self.said: list[str] = []
        self.others: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)

    @property
    def text(self) -> str:
        """All that is said, one space between any two words."""
        return " ".join(" ".join(self.said).split())

    def values(self, name: str) -> list[str]:
        """All values of an attribute."""
        return [value for found, value in self.attributes if found == name]


@pytest.fixture(scope="module")
def night() -> str:
    """The page of a night with a regression."""
    return nightly_html(a_night())


@cache
def harmless_shape() -> list[tuple[str, tuple[str, ...]]]:
    """Of a page on which every text is the same letter."""
    return Parsed(nightly_html(with_every_text(a_night(), "x"))).shape


def headings(page: str) -> list[str]:
    """The section headings, without what is counted beside them."""
    return re.findall(r"<h2[^>]*>([^<]+?)(?: <span|</h2>)", page)


def section(page: str, anchor: str) -> str:
    """What one section says."""
    return Parsed(page.partition(f'<section id="{anchor}"')[2].partition("</section>")[0]).text


class TestOrder:
    """What needs a person stands first."""

    def test_sections_stand_in_the_order_of_need(self, night: str) -> None:
        """What is new, why, what else is off, what is not known; then the figures."""
        assert headings(night) == [
            "What is new",
            "What is one problem",
            "Failures, by cause",
            "What got slower",
            "Flaky",
            "What was not verified, and why",
            "Suites",
            "Data quality",
            "Services",
            "Durations",
            "History",
            "Success metrics",
            "Deliveries",
            "Versions",
        ]

    def test_the_verdict_its_reason_and_the_key_numbers_come_before_all_else(self, night: str) -> None:
        """In words and signs, not in colour alone."""
        first = Parsed(night.partition("<body>")[2].partition("<main>")[0]).text
        assert "✕ Regression gridmodel 5 tests of suite unit fail that passed in the last green night" in first
        for number in (
            "failed ✕ 6 5 new",
            "passed 1,416 of 1,441 tests",
            "not verified ? 3",
            "flaky ! 2",
            "slower ! 2",
        ):
            assert number in first

    def test_a_green_night_has_no_failures_to_tell_of(self) -> None:
        """And says that nothing is new, slower, flaky or missing."""
        page = nightly_html(a_green_night())
        assert "✓ Passed" in Parsed(page).text
        assert "Failures, by cause" not in headings(page)
        assert "no new failure" in section(page, "new")
        assert "Everything that was to be judged was judged" not in section(page, "not-verified")  # three were skipped
        assert "nothing" in section(page, "not-verified")

    @pytest.mark.parametrize(
        ("verdict", "word"),
        [
            (CycleVerdict.GREEN, "✓ Passed"),
            (CycleVerdict.RED, "✕ Failed"),
            (CycleVerdict.NOT_VERIFIED, "? Not verified"),
        ],
    )
    def test_each_verdict_has_its_word_and_sign(self, verdict: CycleVerdict, word: str) -> None:
        """It can be read without colour."""
        report = a_night()
        cycle = report.cycle.model_copy(update={"verdict": verdict})
        page = nightly_html(report.model_copy(update={"cycle": cycle}))
        assert word in Parsed(page).text
        assert f"<title>{word[0]} gridmodel: " in page

    def test_a_cycle_that_was_never_closed_has_no_verdict(self) -> None:
        """It is not taken for a good one."""
        open_cycle = a_night().cycle.model_copy(update={"verdict": None, "closed_at": None, "reason": ""})
        text = Parsed(nightly_html(CycleReport(cycle=open_cycle))).text
        assert "? No verdict gridmodel The cycle runs, or it was interrupted" in text


class TestContent:
    """What a person finds."""

    def test_a_cause_has_its_evidence_its_place_its_line_of_code_and_its_log(self, night: str) -> None:
        """All that is needed to begin."""
        causes = section(night, "causes")
        for said in (
            "AssertionError: residual 0.0312 MW at bus 14",
            "at gridmodel/flow.py:214 in max_residual",
            "return float(abs(solution.mismatch).max())",
            "failed 2 of 2 times tonight; passed in each of the last 14 green nights",
            "tap of branch 8 is 0.0",
        ):
            assert said in causes

    def test_what_is_judged_alike_is_said_once(self, night: str) -> None:
        """And what is not, of each test."""
        assert section(night, "causes").count("failed 2 of 2 times tonight") == 1
        (group, *_) = a_night().groups
        outage = group.tests[0].model_copy(update={"verdict": "infrastructure", "evidence": "the database was down"})
        mixed = group.model_copy(update={"tests": (*group.tests[:2], outage)})
        causes = section(nightly_html(a_night(groups=(mixed,))), "causes")
        assert causes.count("failed 2 of 2 times tonight") == 2
        assert "? infrastructure the database was down" in causes

    def test_a_failure_without_a_verdict_is_a_failure(self) -> None:
        """In doubt it is bad."""
        (group, *_) = a_night().groups
        page = nightly_html(a_night(groups=(group.model_copy(update={"verdict": ""}),)))
        assert "✕ failed AssertionError" in section(page, "causes")

    def test_a_test_that_is_gone_has_no_end(self) -> None:
        """Only what it was."""
        gone = TestChange(suite="unit", test_id="t.py::gone", status=TestStatus.NOT_RUN, was=TestStatus.PASSED)
        page = nightly_html(a_night(comparison=Comparison(base="b", removed=(gone,)), change=None))
        assert section(page, "new").endswith("Tests that are gone (1) test suite was t.py::gone unit ✓ passed")

    def test_the_colours_of_a_terminal_are_gone(self, night: str) -> None:
        """What they coloured stays."""
        assert "E       AssertionError: residual" in night
        assert "[31m" not in night

    def test_what_was_not_verified_stands_beside_what_passed(self, night: str) -> None:
        """A check that did not run, a test that did not, and what is known to be missing; each with its reason."""
        both = section(night, "not-verified")
        gaps, passed = both.split(" Passed ")
        assert "suite performance : service worker was given up: it crashed 5 times in 60 s" in gaps
        assert "suite e2e : 2 tests collected, and not run" in gaps
        assert "coverage of e2e: the service runs in a process that is not measured" in gaps
        assert "suite unit : 14 tests skipped" in gaps
        assert "suite integration : 183 tests passed" in passed
        assert "performance" not in passed

    def test_what_is_said_twice_is_shown_once(self) -> None:
        """A gap that a check names already is not counted again."""
        said = "suite performance: service worker was given up: it crashed 5 times in 60 s"
        assert section(nightly_html(a_night(missing=(said,))), "not-verified").count("was given up") == 1

    def test_slower_tests_are_named_as_a_screen(self, night: str) -> None:
        """In the order in which they are given, with what they are measured by."""
        slower = section(night, "slower")
        assert "A screen, no verdict" in slower
        assert slower.index("case300") < slower.index("case9241pegase")
        assert "4.1 s 9.8 s ! 2.4 × 14" in slower  # noqa: RUF001 - times

    def test_suites_stand_by_tier_with_coverage_and_price(self, night: str) -> None:
        """From the fastest tier to the slowest."""
        suites = section(night, "suites")
        assert "unit unit ✕ failed 1,206 ✕ 5 14 0 ! 1 91.4 % 48.3 s" in suites
        assert suites.index("unit unit") < suites.index("integration integration") < suites.index("e2e e2e")
        assert "0.001380 USD" in suites
        assert "297 calls of AWS: s3 PutObject 212" in suites
        assert "beyond its threshold: p99_ms is 61.2, at most 50 is allowed" in suites

    def test_services_tell_of_downtime_restarts_and_lost_probes(self, night: str) -> None:
        """And of the last lines of the one that failed."""
        services = section(night, "services")
        assert "worker ✕ failed – ! 5 ! 1 min 01 s ! 40 of 44 crash loop" in services  # noqa: RUF001 - a dash
        assert "No module named 'gridmodel.queue'" in services

    def test_data_have_their_findings_and_pictures(self, night: str) -> None:
        """The picture is the one that the validation drew."""
        data = section(night, "data")
        assert "R07 power balance" in data
        assert "Load of the system, and what the baseline allows" in data
        assert '<polygon points="' in night

    def test_history_is_drawn(self, night: str) -> None:
        """A bar for each night, its words for whoever cannot see it."""
        assert night.count("<g><title>") == 3 * 60
        assert "21 Nov, regression: 1,414 passed, 6 failed, 17 skipped" in night
        assert 'aria-label="Tests each night, 23 Sep to 21 Nov: at most 1,437"' in night
        assert "16 Nov to 22 Nov 7 8,512 7 99.9 %" in section(night, "history")

    def test_links_lead_to_a_place_on_the_page_or_beside_it(self, night: str) -> None:
        """Nowhere else."""
        parsed = Parsed(night)
        ids = set(parsed.values("id"))
        for href in parsed.values("href"):
            assert href[1:] in ids if href.startswith("#") else href == "./data/ieee118-winter.html"

    @pytest.mark.parametrize("path", ["/etc/passwd", "../x.html", "a/../../x", "//evil.example/x", "a\nb"])
    def test_a_path_that_leads_elsewhere_is_no_link(self, path: str) -> None:
        """It is not shown as one."""
        run = DataRun(name="set", judgement=Judgement.PASSED, report=path)
        assert not [href for href in Parsed(nightly_html(a_night(data=(run,)))).values("href") if href[0] != "#"]

    def test_a_path_is_never_a_script(self) -> None:
        """Whatever it is called, it is a file beside the page."""
        run = DataRun(name="set", judgement=Judgement.PASSED, report="javascript:alert(1)")
        assert "./javascript%3Aalert%281%29" in Parsed(nightly_html(a_night(data=(run,)))).values("href")

    def test_without_a_green_night_nothing_is_called_new(self) -> None:
        """Unknown is an answer."""
        page = nightly_html(a_night(comparison=Comparison(failed=6, judged=1_422)))
        assert "no earlier green night to compare with" in section(page, "new")
        assert "Not known" in section(page, "slower")
        assert "nothing to compare with" in page

    def test_a_suite_without_a_test_shows_none(self) -> None:
        """No share of nothing."""
        empty = SuiteSummary(suite="unit", tier="unit", judgement=Judgement.NOT_VERIFIED, reason="no tests collected")
        text = Parsed(nightly_html(a_night(suites=(empty,), groups=(), comparison=Comparison()))).text
        assert "failed ? 0 none was judged" in text


class TestSafety:
    """A page that only says."""

    def test_asks_nothing_of_any_other_place(self, night: str) -> None:
        """No script, no style but its own, no address; and it forbids them to itself."""
        parsed = Parsed(night)
        assert not {tag for tag, _ in parsed.shape} & {"script", "link", "img", "iframe", "object", "form", "base"}
        assert not [name for name, _ in parsed.attributes if name.startswith("on") or name in {"src", "style"}]
        (policy,) = (value for value in parsed.values("content") if "default-src" in value)
        style = night.partition("<style>")[2].partition("</style>")[0]
        own = b64encode(sha256(style.encode()).digest()).decode()
        assert policy == f"default-src 'none'; style-src 'sha256-{own}'; base-uri 'none'; form-action 'none'"
        assert "http:" not in night
        assert "https:" not in night

    @given(st.sampled_from(ATTACKS) | any_text | st.sampled_from(["</pre>", "</title>", "</style>", "'", '"', "--!>"]))
    @settings(max_examples=25, deadline=None)
    def test_no_text_changes_its_shape(self, text: str) -> None:
        """Whatever the texts hold, every element and attribute is the one that harmless texts would have."""
        page = nightly_html(with_every_text(a_night(), f"x{text}"))
        hostile = Parsed(page)
        assert hostile.shape == harmless_shape()
        assert hostile.others == []
        assert page.encode()
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", page)

    @pytest.mark.parametrize(
        "picture",
        [
            "",
            "no picture",
            "<svg><script>alert(1)</script></svg>",
            '<svg onload="alert(1)"><rect onclick="alert(1)" width="1"/></svg>',
            '<svg><foreignObject><img src="http://evil/"/></foreignObject></svg>',
            '<svg><a href="javascript:alert(1)"><text>x</text></a></svg>',
            '<svg><rect fill="url(http://evil/)" style="x:y" width="1"/></svg>',
            '<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg>&a;</svg>',
            '<svg xmlns:xlink="http://www.w3.org/1999/xlink"><use xlink:href="http://evil/"/></svg>',
            '<svg class="g}</style><script>"></svg>',
            "<svg><text>&lt;script&gt;\u202e</text></svg>",
            "<svg><rect",
            f"<svg>{'<g>' * 20_000}{'</g>' * 20_000}</svg>",
            "\ud800",
        ],
    )
    def test_a_picture_only_draws(self, picture: str) -> None:
        """Of a picture from elsewhere, nothing is left that could run, fetch or lead away."""
        run = DataRun(name="set", judgement=Judgement.PASSED, charts=(picture,))
        page = nightly_html(a_night(data=(run,)))
        parsed = Parsed(page)
        assert not {tag for tag, _ in parsed.shape} & {"script", "foreignobject", "img", "use", "image"}
        assert not [name for name, _ in parsed.attributes if name.startswith("on") or name in {"src", "style"}]
        assert "evil" not in page
        assert "javascript" not in page
        assert "\u202e" not in page


class TestSize:
    """A page that a phone can open."""

    def test_500_failures_of_one_cause_are_cut_and_counted(self) -> None:
        """20 are shown; the rest is in the JSON."""
        page = nightly_html(a_storm())
        assert "and 480 more tests, in nightly.json" in section(page, "causes")
        assert len(page.encode()) < MOST_BYTES / 4

    @pytest.mark.parametrize("text", ["x" * 1_000_000, '"' * 100_000, "\N{GRINNING FACE}\n" * 50_000])
    def test_no_text_makes_it_too_large(self, text: str) -> None:
        """500 causes, each with texts far too long, that grow when they are escaped."""
        page = nightly_html(with_every_text(a_storm(causes=500), text))
        assert len(page.encode()) <= MOST_BYTES
        assert "more causes, in nightly.json" in page

    def test_pictures_that_do_not_fit_are_left_out(self) -> None:
        """Those of bad data are kept first."""
        line = f'<svg><polyline points="{"1,2 " * 100_000}"/></svg>'
        good = DataRun(name="good", judgement=Judgement.PASSED, charts=(line,))
        bad = DataRun(name="bad", judgement=Judgement.FAILED, charts=(line,))
        page = nightly_html(a_night(data=(good, bad)))
        assert "bad, picture 1" in page
        assert "good, picture 1" not in page


@pytest.mark.parametrize("number", [0, 10**12])
def test_no_number_keeps_a_page_from_being_drawn(number: int) -> None:
    """Nothing that was not counted, and far more than was."""
    report = with_every_number(a_night(), number)
    assert "Regression" in nightly_html(report)
    assert "Regression" in nightly_markdown(report)


@pytest.mark.parametrize("missing", sorted(set(CycleReport.model_fields) - {"cycle"}))
def test_no_gap_keeps_a_page_from_being_drawn(missing: str) -> None:
    """Whatever a killed cycle did not come to know."""
    report = a_night()
    whole = {name: getattr(report, name) for name in CycleReport.model_fields if name != missing}
    assert "Regression" in nightly_html(CycleReport(**whole))


def test_headings_leave_out_no_level(night: str) -> None:
    """One first heading; whoever hears the page finds its parts."""
    levels = [int(tag[1]) for tag, _ in Parsed(night).shape if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_what_did_not_run_is_not_verified() -> None:
    """Even where the suite is said to have passed."""
    suite = SuiteSummary(suite="unit", tier="unit", judgement=Judgement.PASSED, counts={TestStatus.NOT_RUN: 3})
    page = nightly_html(a_night(suites=(suite,)))
    assert "suite unit : 3 tests collected, and not run" in section(page, "not-verified")


class TestProblems:
    """What looks like many failures and is one problem."""

    def test_each_says_why_it_is_one_since_when_and_what_else_fails_with_it(self, night: str) -> None:
        """Those that join what looks different are shown with all their tests."""
        said = section(night, "problems")
        for text in (
            "✕ 7 failed tests, 2 problems",
            "is allowed co-failing ✕ 6 of 7 20261107-020000-91aa 4 of 60 gridmodel/flow.py:214 in max_residual",
            "RuntimeError: no such case exact ✕ 1 20261121-020000-ab12 1 of 60",
            "co-failing: its tests keep failing together AssertionError",
            "seen in 4 of 60 nights, last in 20261121-020000-ab12 fingerprint a41f09be fingerprint 0c77d1aa",
            "failed with it tests/e2e/test_page.py::test_a_chart_is_drawn (e2e), in 3 of these nights",
            "tests/integration/test_api.py::test_a_solution integration · did not fail",
        ):
            assert text in said
        assert 'href="#problem-1"' in night.partition('<section id="problems"')[2].partition("</section>")[0]

    def test_a_night_without_any_says_nothing(self) -> None:
        """No empty section."""
        assert "What is one problem" not in headings(nightly_html(a_green_night()))


class TestCommits:
    """What was changed before it failed."""

    def test_commits_stand_beside_what_is_new_and_suspects_beside_their_failure(self, night: str) -> None:
        """A suspect touches a file of the failure, and is called no more than that."""
        change = f"Changed since the good night {a_night().comparison.base}: 5 commits"
        said = "1f3a9c02b7 of 2026-11-20 by Ada: Solve without the slack bus"
        assert change in section(night, "new")
        assert f"! changes that are not committed · {said} · 77aa01c3d4" in section(night, "new")
        assert "and 3 older commits" in section(night, "new")
        touches = "(touches gridmodel/flow.py, a file of the traceback)"
        assert f"suspect {said} {touches} fingerprint" in section(night, "causes")

    def test_what_is_not_known_is_said(self) -> None:
        """The good night's code may have been in no commit."""
        page = nightly_html(a_night(change=CodeChange(base="n1", unknown="night n1 ran on code in no commit")))
        assert "the commits are not known : night n1 ran on code in no commit" in section(page, "new")
