"""The log of the last good run: what it silences, what it leaves, and what is said where it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recloser.diagnosis import NOVEL
from recloser.healing.diagnosis import THRESHOLD, diagnose
from recloser.healing.good_log import GoodLog, good_log
from recloser.values import AttemptRecord, Cause, Diagnosis, JobSpec, JobState, utc_now
from tests.unit.healing.fakes import FakeAccount, a_site, a_target, failed, succeeded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALWAYS = (
    "2026-01-0{} ERROR cannot read s3://cache/{}: An error occurred (AccessDenied) when calling the GetObject operation"
)
ODD = "the frobnicator wobbled"


def compared(folder: Path, *log: str, good: tuple[str, ...], gap: str | None = None) -> Diagnosis:
    """Diagnose a log beside that of a good run."""
    return diagnose(a_site(a_target(folder), FakeAccount()), failed(*log), GoodLog(lines=good, gap=gap))


def test_a_line_that_a_good_run_has_too_decides_nothing(tmp_path: Path) -> None:
    """Whatever its date and key; the cause is ruled out with the line, and what is new is shown."""
    log = (ALWAYS.format(1, "a"), "step 7", ODD)
    alone = compared(tmp_path, *log, good=())
    assert (alone.cause, alone.confidence >= THRESHOLD) == (Cause.S3_PERMISSION, True)
    found = compared(tmp_path, *log, good=(ALWAYS.format(2, "b"), "step 3"))
    assert (found.cause, found.remedies) == (Cause.UNKNOWN, ())
    (out,) = [item for item in found.ruled_out if item.cause is Cause.S3_PERMISSION]
    assert out.refuted
    assert "also stands in the log of the last good run" in out.why
    assert [line.text for line in found.evidence if line.source == NOVEL] == [ODD]


def test_what_is_new_decides_beside_what_is_usual(tmp_path: Path) -> None:
    """The usual error line steps back, the new one is believed, and only it is shown as evidence."""
    log = ("environment variable VAR_A is not set", ALWAYS.format(1, "a"))
    found = compared(tmp_path, *log, good=(ALWAYS.format(2, "b"),))
    assert found.cause is Cause.MISSING_ENV_VAR
    assert any(item.cause is Cause.S3_PERMISSION and item.refuted for item in found.ruled_out)


def test_reasons_are_never_usual(tmp_path: Path) -> None:
    """A good run's log says nothing of what Batch states itself."""
    reason = "OutOfMemoryError: Container killed due to memory usage"
    evidence = failed("x", container_reason=reason, exit_code=137)
    site = a_site(a_target(tmp_path), FakeAccount())
    assert diagnose(site, evidence, GoodLog(lines=(reason,))).cause is Cause.OOM


def test_an_unknown_failure_says_what_it_was_not_compared_with(tmp_path: Path) -> None:
    """Without a good run the last lines are shown, and the gap is named."""
    found = compared(tmp_path, ODD, good=(), gap="no successful run is known")
    assert "no successful run is known" in found.not_checked
    assert [line.text for line in found.evidence if line.source == "log"] == [ODD]


class Shop:
    """An account whose first job succeeded."""

    def __init__(self, folder: Path) -> None:
        self.account = FakeAccount()
        self.account.batch.play = lambda spec: succeeded().model_copy(update={"log": failed("fine").log})
        self.account.batch.submit(JobSpec(name="optimo-1", queue="optimo", definition="optimo"))
        self.site = a_site(a_target(folder), self.account)
        self.success = AttemptRecord(
            number=1,
            job_name="optimo-1",
            job_id="job-1",
            state=JobState.SUCCEEDED,
            definition="optimo:3",
            submitted_at=utc_now(),
            log_excerpt=("kept",),
        )

    def read(self, success: AttemptRecord | None) -> GoodLog:
        """The good log for a failed job."""
        return good_log(self.site, failed().job, success)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """One good run."""
    return Shop(tmp_path)


def test_the_last_success_is_read_through_the_account(shop: Shop) -> None:
    """The remembered one, else the newest of the same definition in the queue."""
    assert shop.read(shop.success) == GoodLog(lines=("fine",))
    none = shop.read(None)
    assert (none.lines, "no successful run is known" in (none.gap or "")) == ((), True)
    shop.account.fleet.newest = "job-1"
    assert shop.read(None) == GoodLog(lines=("fine",))


def test_a_stream_that_is_gone_is_a_gap_and_what_was_kept_is_used(shop: Shop) -> None:
    """The store keeps a few lines of every attempt; without those nothing is compared."""
    shop.account.logs.gone.add("job-1")
    read = shop.read(shop.success)
    assert read.lines == ("kept",)
    assert "compared with the 1 lines kept of it" in (read.gap or "")
    shop.account.fleet.newest = "job-1"
    bare = shop.read(None)
    assert (bare.lines, "does not exist" in (bare.gap or "")) == ((), True)
