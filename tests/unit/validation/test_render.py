"""Reports for people: what is wrong is said, and nothing in the data becomes markup, control or a request."""

import json
import re
from html.parser import HTMLParser

import pytest

from recloser.grid import Dataset
from recloser.validation import (
    Chart,
    Finding,
    Gate,
    Place,
    Report,
    Series,
    State,
    check_subject,
    finding_rows,
    of_dataset,
    render_html,
    render_json,
    render_markdown,
    render_text,
)
from recloser.validation.corruption import corrupt_dataset
from recloser.validation.svg import draw
from recloser.values import utc_now

HOSTILE = "<script>alert(1)</script>\"'><img src=http://evil.example/x onerror=1>`</code>[a](http://b)\x1b[31m{{7*7}}"


class Elements(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, page: str) -> None:
        """Parse a page."""
        super().__init__()
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += attrs


@pytest.fixture
def broken(small: Dataset) -> Report:
    """A report of a dataset with one unit wrong."""
    return check_subject(corrupt_dataset(small, "C24"))


@pytest.fixture
def hostile() -> Report:
    """A report in which every text is hostile."""
    finding = Finding(
        rule=HOSTILE,
        title=HOSTILE,
        gate=Gate.CRITICAL,
        state=State.FAILED,
        message=HOSTILE,
        count=1,
        of=2,
        unit=HOSTILE,
        places=(Place(at={HOSTILE: HOSTILE}, value=1.0),),
    )
    chart = Chart(
        title=HOSTILE, x_name=HOSTILE, y_name=HOSTILE, x=(0.0, 1.0), series=(Series(name=HOSTILE, y=(1.0, None)),)
    )
    return Report(
        subject=HOSTILE,
        kind="table",
        created_utc=utc_now(),
        facts={HOSTILE: HOSTILE},
        findings=(finding,),
        charts=(chart,),
        judges=(HOSTILE,),
        duration_s=0.0,
    )


def test_a_page_loads_nothing(broken: Report) -> None:
    """No element, style or address that would ask another place for anything."""
    page = render_html(broken)
    elements = Elements(page)
    assert not elements.names & {"script", "link", "img", "iframe", "object", "embed", "base", "audio", "video", "a"}
    assert not [name for name, _ in elements.attributes if name in {"src", "href", "action", "srcset", "data"}]
    assert not re.search(r"https?://|//\w+\.|url\(|@import", page)


def test_a_page_says_what_where_and_how_much(broken: Report) -> None:
    """The rule, the bus, the value with its unit, and a picture of it."""
    page = render_html(broken)
    finding = next(finding for finding in broken.findings if finding.rule == "R19")
    assert finding.title in page
    assert f"bus {finding.places[0].at['bus']}" in page
    assert "value, MW" in page
    assert page.count("<svg") == len(broken.charts)
    assert 'name="viewport"' in page


def test_hostile_text_stays_text(hostile: Report) -> None:
    """On the page, in Markdown, at the terminal."""
    elements = Elements(render_html(hostile))
    assert not elements.names & {"script", "img", "a"}
    assert not [name for name, _ in elements.attributes if name.startswith("on") or name == "src"]
    assert "{{7*7}}" in render_html(hostile)
    assert "\x1b" not in render_text(hostile)
    markdown = render_markdown(hostile)
    assert "\x1b" not in markdown
    assert all(line.count("`") in {0, 2} for line in markdown.splitlines())


def test_the_json_is_strict_and_complete(broken: Report) -> None:
    """No NaN, which JSON does not know; every finding is there."""
    content = json.loads(render_json(broken), parse_constant=pytest.fail)
    assert content["verdict"] == "failed"
    assert len(content["findings"]) == len(broken.findings)
    assert Report.model_validate({name: content[name] for name in Report.model_fields}) == broken


@pytest.mark.parametrize("name", ["C01", "C03", "C11", "C14", "C45"])
def test_what_is_infinite_or_missing_can_be_shown(small: Dataset, name: str) -> None:
    """In every form."""
    report = check_subject(corrupt_dataset(small, name))
    json.loads(render_json(report), parse_constant=pytest.fail)
    assert not re.search(r"\b(nan|inf)\b", re.sub(r"<style>.*</style>", "", render_html(report), flags=re.DOTALL))
    assert render_text(report).startswith("FAILED")


def test_a_good_dataset_is_passed(small: Dataset) -> None:
    """In a word, and with the reasons for what does not apply."""
    report = check_subject(of_dataset(small))
    assert render_text(report).startswith("PASSED")
    assert report.spotless


def test_the_table_starts_with_what_weighs_most(broken: Report) -> None:
    """Failed before passed, critical before the rest."""
    rows = finding_rows(broken)
    assert rows[0]["state"] == "failed"
    assert rows[0]["gate"] == "critical"
    assert len(rows) == len(broken.findings)


def test_lines_are_told_apart_without_colour() -> None:
    """Each has its name and its dashes inside the picture, which is shown on other pages as well."""
    lines = tuple(Series(name=name, y=(1.0, 2.0)) for name in ("load", "<b>"))
    picture = str(draw(Chart(title="t", x_name="x", y_name="y", x=(0.0, 1.0), series=lines)))
    assert ">load</text>" in picture
    assert ">&lt;b&gt;</text>" in picture
    assert len(set(re.findall('<polyline [^>]*stroke-dasharray="([^"]+)"', picture))) == 2
