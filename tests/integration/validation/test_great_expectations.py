"""Great Expectations as the second judge: it agrees with the first, and its Data Docs stay on this machine."""

import re
import socket
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recloser.grid import Dataset, generate_dataset, request_size
from recloser.validation import BadInputError, Report, State, check_subject, of_dataset, validate_subject
from recloser.validation.corruption import corrupt_dataset
from recloser.validation.table import ColumnSpec, Expectation, TableSpec, validate_table

FAULTS = [
    "C01",
    "C03",
    "C05",
    "C07",
    "C09",
    "C10",
    "C11",
    "C13",
    "C15",
    "C16",
    "C20",
    "C28",
    "C36",
    "C39",
    "C45",
]


@pytest.fixture(scope="module")
def small() -> Dataset:
    """A small dataset of a seed that is in no baseline."""
    return generate_dataset(request_size("small", seed=92_001))


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection fails the test."""

    def refuse(*args: object, **options: object) -> None:
        pytest.fail("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("name", FAULTS)
def test_both_judges_agree_on_every_rule(small: Dataset, name: str) -> None:
    """A disagreement would fail a rule that the fast judge passed."""
    subject = corrupt_dataset(small, name)
    fast, both = check_subject(subject), validate_subject(subject)
    assert {found.rule: found.state for found in fast.findings} == {found.rule: found.state for found in both.findings}
    assert not [found for found in both.findings if "great_expectations" in found.message]


def test_an_empty_table_is_passed_by_one_judge_only(small: Dataset) -> None:
    """Great Expectations finds no missing value in no rows; the rule fails all the same, and says so."""
    (finding,) = (found for found in validate_subject(corrupt_dataset(small, "C14")).findings if found.rule == "R07")
    assert finding.state is State.FAILED
    assert "edge is empty" in finding.message
    assert "passes it" in finding.message


def test_a_good_dataset_is_passed_by_both(small: Dataset) -> None:
    """And the report says who judged."""
    report = validate_subject(of_dataset(small))
    assert report.spotless
    assert report.judges[0] == "numpy"
    assert report.judges[1].startswith("great_expectations 1.")


@pytest.mark.usefixtures("no_network")
def test_data_docs_refer_to_no_other_host(small: Dataset, tmp_path: Path) -> None:
    """Not one address of another place is left in any file, and none is asked while they are made."""
    docs = tmp_path / "docs"
    for name in ("C36", "C15"):  # a second time they are replaced
        validate_subject(corrupt_dataset(small, name), docs=docs)
    pages = sorted(docs.rglob("*.html"))
    assert (docs / "index.html").is_file()
    assert len(pages) > 10
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"https?://|[\"'(=]\s*//\w|@import|<script|<link|<img|<iframe", text, re.IGNORECASE), page
    assert "ts_err_s" in "".join(page.read_text(encoding="utf-8") for page in pages)


def test_docs_may_be_asked_for_by_a_relative_path(
    small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a person at a terminal would."""
    monkeypatch.chdir(tmp_path)
    validate_subject(of_dataset(small), docs=Path("runs/docs"))
    assert (tmp_path / "runs" / "docs" / "index.html").is_file()


def test_docs_overwrite_nothing_else(small: Dataset, tmp_path: Path) -> None:
    """A folder that is not theirs is refused and left as it was."""
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(BadInputError, match="holds no Data Docs"):
        validate_subject(of_dataset(small), docs=tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]


SPEC = TableSpec(
    columns={
        "id": ColumnSpec(type="integer", unique=True),
        "kw": ColumnSpec(type="number", unit="kW", min=0, max=100),
        "state": ColumnSpec(type="text", values=("ok", "bad"), nulls=True),
        "at": ColumnSpec(type="timestamp"),
    },
    key=("id",),
    max_rows=1000,
    newest="at",
    max_age=timedelta(days=1),
    expectations=(
        Expectation(type="ExpectColumnMeanToBeBetween", arguments={"column": "kw", "min_value": 40, "max_value": 60}),
    ),
)
NOW = pd.Timestamp("2026-01-02", tz="UTC").to_pydatetime()


def rows() -> pd.DataFrame:
    """A good table."""
    at = pd.date_range("2026-01-01", periods=500, freq="min", tz="UTC")
    return pd.DataFrame({"id": range(500), "kw": np.linspace(0, 100, 500), "state": "ok", "at": at})


def judged(frame: pd.DataFrame) -> Report:
    """Judge a table at a known time."""
    return validate_table("rows", frame, SPEC, now=NOW)


def test_a_good_table_is_passed() -> None:
    """By every rule that is declared."""
    assert judged(rows()).spotless


@pytest.mark.parametrize(
    ("rule", "frame"),
    [
        ("columns", rows().drop(columns="kw")),
        ("columns", rows().assign(other=1)),
        ("rows", rows()[:0]),
        ("rows", pd.concat([rows()] * 3)),
        ("type", rows().assign(kw="much")),
        ("type", rows().assign(id=rows()["id"] + 0.5)),
        ("missing", rows().assign(kw=np.nan)),
        ("finite", rows().assign(kw=np.inf)),
        ("range", rows().assign(kw=rows()["kw"] + 0.1)),
        ("values", rows().assign(state="weird")),
        ("unique", rows().assign(id=1)),
        ("key", rows().assign(id=1)),
        ("fresh", rows().assign(at=rows()["at"] - pd.Timedelta(days=3))),
        ("fresh", rows().assign(at=rows()["at"] + pd.Timedelta(days=30))),
        ("ExpectColumnMeanToBeBetween", rows().assign(kw=rows()["kw"] * 0.5)),
        ("gx", rows().assign(kw=-1.0)),
    ],
)
def test_each_declaration_is_held_to(rule: str, frame: pd.DataFrame) -> None:
    """The rule that is meant fails, and with it the table."""
    report = judged(frame)
    assert rule in report.failed_rules()
    assert not report.holds


@pytest.mark.parametrize("arguments", [{}, {"column": "kw", "min_value": "much", "max_value": []}])
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, object]) -> None:
    """By a message, before anything is judged."""
    asked = Expectation(type="ExpectColumnMeanToBeBetween", arguments=arguments)
    with pytest.raises(BadInputError, match="ExpectColumnMeanToBeBetween"):
        validate_table("rows", rows(), SPEC.model_copy(update={"expectations": (asked,)}), now=NOW)


@pytest.mark.parametrize("frame", [rows()[:0], rows().assign(kw=np.nan), rows().assign(kw="x"), pd.DataFrame()])
def test_an_expectation_of_nothing_is_not_passed(frame: pd.DataFrame) -> None:
    """Great Expectations would pass it."""
    states = {found.rule: found.state for found in judged(frame).findings}
    assert states["ExpectColumnMeanToBeBetween"] is State.NOT_RUN
