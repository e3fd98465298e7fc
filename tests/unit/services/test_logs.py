"""The output of a service: whole lines, no secrets, no more than its file may hold."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from recloser.redaction import Redactor
from recloser.services.logs import ServiceLog

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

REDACT = Redactor(["hush-hush"])


def log(folder: Path, **options: int) -> ServiceLog:
    """A log in a folder."""
    return ServiceLog(folder / "logs" / "api.log", REDACT, **options)


@given(st.lists(st.text(alphabet="ab é", max_size=9)), st.lists(st.integers(min_value=0, max_value=60)))
def test_lines_are_the_same_however_they_arrive(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], cuts: list[int]
) -> None:
    """Pieces may end within a line, or within a character."""
    data = "".join(f"{line}\n" for line in lines).encode()
    ends = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    kept = log(tmp_path_factory.mktemp("log"))
    for start, end in pairwise(ends):
        kept.take(data[start:end])
    assert kept.path.read_text().split("\n")[:-1] == [line.rstrip() for line in lines]


def test_a_secret_is_found_however_it_arrives(tmp_path: Path) -> None:
    """In the file and in the tail; a last line without an end is kept when the service ends."""
    kept = log(tmp_path)
    for piece in (b"it is hu", b"sh-hush\nand no", b"w it \x1b[31mfalls"):
        kept.take(piece)
    kept.end()
    assert kept.tail() == "it is [redacted]\nand now it falls"
    assert kept.path.read_text() == kept.tail() + "\n"


def test_the_files_stay_small(tmp_path: Path) -> None:
    """The newest lines are there, whatever is printed, lines without end among it."""
    kept = log(tmp_path, most_bytes=10_000)
    for number in range(2_000):
        kept.take(f"line {number}\n".encode())
    kept.take(b"x" * 1_000_000)
    kept.take(b"\nthe end\n")
    files = list(kept.path.parent.iterdir())
    assert {file.name for file in files} == {"api.log", "api.log.1"}
    assert all(file.stat().st_size <= 10_000 for file in files)
    assert kept.path.read_text().endswith("the end\n")
    assert kept.tail().endswith("the end")
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)


def test_a_log_that_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    """The tail says so, and goes on."""
    kept = log(tmp_path)
    kept.path.unlink()
    kept.path.mkdir()
    kept.take(b"first\nsecond\n")
    assert kept.tail().startswith("first\nsecond\n-- ")
    assert "cannot be written: Is a directory" in kept.tail()


def test_a_new_run_begins_a_new_log(tmp_path: Path) -> None:
    """What an earlier one said is not taken for news, and is not lost where it was killed and goes on."""
    log(tmp_path).take(b"old\n")
    again = log(tmp_path)
    again.note("new")
    assert again.path.read_text() == "-- new\n"
    assert again.path.with_name("api.log.1").read_text() == "old\n"
