"""Whole nights over a little system: real services, real suites, a real store."""

from __future__ import annotations

import os
import resource
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from recloser.nightly import write_owed
from recloser.report import ReportError
from recloser.report.nightly import write_night
from recloser.store import HeldError
from recloser.values import CycleVerdict, Judgement
from tests.integration.nightly.conftest import whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.nightly.conftest import Little

_FULL = """
import os, pathlib, resource

def test_before():
    pass

def test_fills_the_disk():
    for process in (os.getpid(), RUNNER) if pathlib.Path("FULL").exists() else ():
        _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (0, most))
"""
"""From one moment on no file can grow, of the suite or of the night: as on a full disk, but of this test alone."""

_KILLS = """
import os, pathlib, signal, time, urllib.request
import psutil, pytest

@pytest.mark.parametrize("number", range(6))
def test_many(number):
    pass

def test_a_worker():
    if not pathlib.Path("KILLED").exists():
        pathlib.Path("KILLED").touch()
        os.kill(os.getpid(), signal.SIGKILL)

def test_a_service():
    listening = [one.pid for one in psutil.net_connections("tcp4") if one.laddr.port == PORT and one.status == "LISTEN"]
    os.kill(listening[0], signal.SIGKILL)
    for _ in range(600):
        try:
            urllib.request.urlopen("http://127.0.0.1:PORT/").close()
            break
        except OSError:
            time.sleep(0.1)
    else:
        pytest.fail("it does not come back")
"""


@contextmanager
def room_at_the_end() -> Iterator[None]:
    """Files of this process may grow again."""
    as_it_was = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, as_it_was)


def test_a_good_night_is_green_and_the_next_is_compared_with_it(little: Little) -> None:
    """Nothing is new without a green night; a test that fails after one is a regression."""
    first = little.night()
    assert (first.cycle.verdict, first.comparison.base) == (CycleVerdict.GREEN, None)
    assert any("no earlier night was green" in why for why in first.missing)
    little.change("unit/test_unit.py", "2 * 2 == 4", "2 * 2 == 5")
    second = little.night()
    assert second.cycle.verdict is CycleVerdict.REGRESSION
    assert second.comparison.base == first.cycle.cycle_id
    (group,) = second.groups
    assert (group.verdict, group.source) == ("new", "assert 2 * 2 == 5")
    assert group.tests[0].failed_attempts == 2
    third = little.night()
    assert third.comparison.base == first.cycle.cycle_id
    assert third.groups[0].since == second.cycle.cycle_id
    assert [point.failed for point in third.history] == [0, 1, 1]


def test_a_bad_data_set_stops_what_needs_it_and_only_that(little: Little) -> None:
    """The suite that needs it is not verified; the other runs."""
    little.write("readings.csv", "kw\n1\n9\n")
    report = little.night()
    assert report.cycle.verdict is CycleVerdict.RED
    assert little.ran() == ["unit"]
    judged = {suite.suite: suite for suite in report.suites}
    assert judged["unit"].judgement is Judgement.PASSED
    assert judged["e2e"].judgement is Judgement.NOT_VERIFIED
    assert any("data readings is not good" in why for why in report.missing)


def test_a_stranger_on_the_port_is_named_and_what_can_go_on_goes_on(little: Little) -> None:
    """The night is no failure of the code: what needs the service was not verified."""
    with socket.create_server(("127.0.0.1", little.port)):
        report = little.night()
    assert report.cycle.verdict is CycleVerdict.NOT_VERIFIED
    assert little.ran() == ["unit"]
    (service,) = report.services
    assert str(little.port) in service.reason
    assert service.judgement is Judgement.NOT_VERIFIED


def test_a_night_that_was_left_goes_on_where_it_was(little: Little) -> None:
    """What had ended is not repeated; the cycle is the same."""
    with little.open() as night:
        night.start_services()
        night.run_suite("unit")
    report = little.night()
    assert report.cycle.cycle_id == night.cycle.cycle_id
    assert little.ran() == ["unit", "e2e"]
    assert report.cycle.verdict is CycleVerdict.GREEN


def test_a_night_of_other_code_is_closed_as_interrupted(little: Little) -> None:
    """Outcomes of two states of the code never make one night."""
    with little.open() as night:
        night.run_suite("unit")
    little.change("unit/test_unit.py", "1 + 1 == 2", "1 + 2 == 3")
    report = little.night()
    assert report.cycle.cycle_id != night.cycle.cycle_id
    left = little.store.history.cycle(night.cycle.cycle_id)
    assert (left.verdict, left.reason.startswith("interrupted")) == (CycleVerdict.NOT_VERIFIED, True)


def test_the_store_may_go_in_the_middle(little: Little) -> None:
    """The suites run, the page says what is not on record, and no such night is green."""
    with little.open() as night:
        night.start_services()
        night.judge_data("readings")
        database = little.settings.home / "recloser.db"
        little.store.close()
        database.unlink()
        database.mkdir()
        for name in ("unit", "e2e"):
            night.run_suite(name)
        night.triage()
        night.stop_services()
        report = night.close()
    assert little.ran() == ["unit", "e2e"]
    assert report.cycle.verdict is CycleVerdict.NOT_VERIFIED
    assert any(why.startswith("record: ") for why in report.missing)
    assert "comparison: the earlier nights could not be read, so nothing is known to be new" in report.missing
    page = write_night(report, night.suite_runs, night.folder.parent).html.read_text()
    assert "passed" in page
    assert "no earlier" not in page


def test_a_full_disk_loses_nothing_that_has_run(little: Little) -> None:
    """Each part says that nothing could be written; once there is room, the night goes on where it was."""
    full = little.folder.parent / "full"
    full.touch()
    little.write("unit/test_disk.py", _FULL.replace("FULL", str(full)).replace("RUNNER", str(os.getpid())))
    with little.open() as night, room_at_the_end():
        first, second = night.run_suite("unit"), night.run_suite("e2e")
        night.triage()
        night.stop_services()
        report = night.close()
        with pytest.raises(ReportError, match="report cannot be written"):
            write_night(report, night.suite_runs, night.folder.parent)
    assert {attempt.test_id: str(attempt.status) for attempt in first.attempts} == {
        "unit/test_disk.py::test_before": "passed",
        "unit/test_disk.py::test_fills_the_disk": "not-run",
        "unit/test_unit.py::test_sum": "not-run",
        "unit/test_unit.py::test_product": "not-run",
    }
    assert {first.judgement, second.judgement} == {Judgement.NOT_VERIFIED}
    assert "it cannot go on: File too large" in first.reason
    assert report.cycle.verdict is CycleVerdict.NOT_VERIFIED
    assert any(why.startswith("record: the store") for why in report.missing)
    full.unlink()
    with little.open() as night:
        again = whole(night)
        (unit,) = [run for run in night.suite_runs if run.suite == "unit"]
    assert (again.cycle.cycle_id, again.cycle.verdict) == (report.cycle.cycle_id, CycleVerdict.GREEN)
    assert sorted(attempt.number for attempt in unit.attempts) == [1, 1, 1, 1]


def test_what_is_killed_within_a_night_is_an_outcome(little: Little) -> None:
    """A worker that died is the crash of one test, which passes when run again; a service is back, and that is told."""
    killed = little.folder.parent / "killed"
    little.change("recloser.toml", 'data = ["readings"]\nreruns = 1\nworkers = 1', "reruns = 1\nworkers = 2")
    little.write("e2e/test_e2e.py", _KILLS.replace("KILLED", str(killed)).replace("PORT", str(little.port)))
    with little.open() as night:
        report = whole(night)
        (run,) = [run for run in night.suite_runs if run.suite == "e2e"]
    assert sorted(
        (attempt.test_id.removeprefix("e2e/test_e2e.py::test_"), attempt.number, str(attempt.status))
        for attempt in run.attempts
    ) == [
        ("a_service", 1, "passed"),
        ("a_worker", 1, "crashed"),
        ("a_worker", 2, "passed"),
        *((f"many[{number}]", 1, "passed") for number in range(6)),
    ]
    assert report.cycle.verdict is CycleVerdict.GREEN, report.cycle.reason
    (service,) = report.services
    assert (service.judgement, service.restarts) == (Judgement.PASSED, 1)
    page = write_night(report, night.suite_runs, night.folder.parent).html.read_text()
    assert "e2e/test_e2e.py::test_a_worker" in page
    assert service.reason in page


def test_a_page_that_is_owed_is_written(little: Little) -> None:
    """The process may die between the verdict and the page."""
    report = little.night()
    (files,) = write_owed(little.store, little.open_system(), little.settings.home / "nights")
    assert report.cycle.cycle_id in files.html.read_text()
    assert write_owed(little.store, little.open_system(), little.settings.home / "nights") == ()


def test_a_night_that_is_told_to_end_begins_no_other_suite(little: Little) -> None:
    """Those that wait for their turn are left for the night that goes on."""
    with little.open() as night:
        night.interrupt()
        assert night.run_suite("unit").judgement is Judgement.NOT_VERIFIED
    assert little.ran() == []
    assert little.store.history.stages(night.cycle.cycle_id) == ()


def test_one_night_at_a_time(little: Little) -> None:
    """A second one is told who is at work."""
    with little.open(), pytest.raises(HeldError, match="is being tested by process"):
        little.open()
