"""What `--failed-on`, `--since` and `--jobs` mean."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.commands.selection import job_ids, selection, span_s
from recloser.healing import NotReady


@pytest.mark.parametrize(
    ("text", "seconds"), [("90m", 5400), ("2h", 7200), ("1d", 86_400), ("0.5h", 1800), ("7d", 604_800)]
)
def test_a_span_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    """Minutes, hours, days."""
    assert span_s(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "two hours", "2 h", "-1h", "0h", "8d", "1e9h", "1h; rm -rf /"])
def test_what_is_no_span_is_refused(text: str) -> None:
    """In one message that says what was expected."""
    with pytest.raises(NotReady, match="--since"):
        span_s(text)


def test_ids_are_read_one_a_line(tmp_path: Path) -> None:
    """Comments, empty lines and repeats are left out; children and arrays are ids like others."""
    file = tmp_path / "jobs"
    file.write_text("\n7577205f-08bb:3\nabc  # an array\n\nabc\n")
    assert job_ids(str(file)) == ("7577205f-08bb:3", "abc")


@given(text=st.text())
def test_whatever_a_file_holds_is_ids_or_one_message(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing else comes out of it."""
    file = tmp_path_factory.mktemp("jobs") / "jobs"
    file.write_text(text, encoding="utf-8", errors="replace")
    try:
        ids = job_ids(str(file))
    except NotReady as refused:
        assert "--jobs" in str(refused)  # noqa: PT017 - either is right
    else:
        assert ids
        assert all(set(one) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-:") for one in ids)


def test_a_file_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    """No traceback."""
    with pytest.raises(NotReady, match="cannot be read"):
        job_ids(str(tmp_path / "absent"))


def test_a_single_job_is_meant_where_nothing_is_selected() -> None:
    """And what contradicts itself is refused."""
    assert selection(None, "2h", None, iterations=10, alone=True) is None
    assert selection("q", "1h", None, iterations=10, alone=False) == {"failed_on": "q", "since_s": 3600, "jobs": ()}
    with pytest.raises(NotReady, match="either --failed-on or --jobs"):
        selection("q", "2h", "file", iterations=10, alone=False)
    with pytest.raises(NotReady, match="--minimise"):
        selection("q", "2h", None, iterations=10, alone=True)
    with pytest.raises(NotReady, match="at least 2"):
        selection("q", "2h", None, iterations=1, alone=False)
