"""The steps of a night as Prefect tasks: a stage or a suite each, never a test; nothing is retried or cached.

A step that ended is in the store, so that a killed night goes on; a cached step would hide a night that went wrong.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, cast

from httpx import HTTPError
from prefect import task
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import PrefectException

from recloser.nightly import Night, NightNarrator, TriageResult, open_night, write_owed
from recloser.report import ReportError
from recloser.report.nightly import NightFiles, nightly_markdown, nightly_table, write_night
from recloser.settings import load_settings
from recloser.store import Store
from recloser.store.history import KEEP_DAYS
from recloser.values import CycleReport, DataRun, ServiceRun, SuiteRun, utc_now
from tasks.night_narration import Narrators, narrator

if TYPE_CHECKING:
    from uuid import UUID

    from recloser.values import Judgement


@task(name="begin night", task_run_name="begin {target}", cache_policy=NO_CACHE)
def begin(target: str, *, store: Store, run_id: str) -> Night:
    """Open a night, or take up the one that was killed; a page that was never written is written first."""
    settings = load_settings()
    night = open_night(target, store, settings, Narrators(narrator()), run_id=run_id)
    try:
        write_owed(store, night.system, settings.home / "nights")
    except ReportError as error:
        night.narrator.unwritten(str(error))
    return night


@task(name="start services", cache_policy=NO_CACHE)
def start_services(night: Night) -> None:
    """Start what is not running."""
    night.start_services()


@task(name="judge data", task_run_name="data {name}", cache_policy=NO_CACHE)
def judge_data(night: Night, name: str) -> DataRun:
    """Make or fetch one data set, and judge it."""
    return night.judge_data(name)


@task(name="run suite", task_run_name="suite {name}", cache_policy=NO_CACHE)
def run_suite(night: Night, name: str) -> SuiteRun:
    """Run one suite."""
    return night.run_suite(name)


@task(name="triage", cache_policy=NO_CACHE)
def triage(night: Night) -> TriageResult:
    """Find out what each failure is."""
    return night.triage()


@task(name="send", cache_policy=NO_CACHE)
def send(night: Night, told: CycleReport) -> CycleReport:
    """Tell whoever has to be told; answers the report with what could not be delivered."""
    return night.send(told)


@task(name="stop services", cache_policy=NO_CACHE)
def stop_services(night: Night) -> tuple[ServiceRun, ...]:
    """Stop what this night has started."""
    return night.stop_services()


@task(name="compare", cache_policy=NO_CACHE)
def close(night: Night) -> CycleReport:
    """Compare with the last good night, and store the verdict."""
    return night.close()


@task(name="write page", cache_policy=NO_CACHE)
def write_page(night: Night, told: CycleReport) -> NightFiles:
    """Write the page, and what machines read; the verdict stands, whatever becomes of this."""
    try:
        return write_night(told, night.suite_runs, night.folder.parent)
    except ReportError as error:
        night.narrator.unwritten(str(error))
        raise


@task(name="publish night", cache_policy=NO_CACHE)
def publish(night: Night, told: CycleReport) -> None:
    """Show the night in the Prefect UI, with a link to its page if there is one."""
    create_markdown_artifact(nightly_markdown(told), key="nightly", description=told.cycle.reason[:200])
    create_table_artifact(nightly_table(told), key="nightly-suites", description=f"suites of {night.label}")
    if night.page.exists():
        create_link_artifact(night.page.absolute().as_uri(), key="nightly-page", link_text="the page of this night")


_EVERY_S = 2.0
"""The server records some fifty calls a second: a bar that moves at every test would drown it."""


def show_progress(night: Night) -> None:
    """Publish a bar, and move it as long as the night lasts."""
    if isinstance(night.narrator, Narrators):
        night.narrator.members.append(Progress(night))


_UNTOLD = (HTTPError, PrefectException, RuntimeError)
"""What Prefect raises where its server is gone, or does not take what it is told."""


@task(name="tidy", cache_policy=NO_CACHE)
def tidy(store: Store) -> int:
    """Fold attempts that are old into weeks, and forget what was delivered long ago; answers how many attempts went.

    Each is kept for as long as by its own command: `recloser history prune`, `recloser notify prune`.
    """
    now = utc_now()
    store.outbox.forget(now - timedelta(days=load_settings().retention_days))
    return store.history.prune(now - timedelta(days=KEEP_DAYS))


class Progress(NightNarrator):
    """The night's progress bar in the Prefect UI: stages that ended, and tests of those that run.

    A server that is gone stops the bar and nothing else; it is not asked again, because each call may wait for long.
    """

    def __init__(self, night: Night) -> None:
        """Show an empty bar."""
        self._stages = dict.fromkeys(night.stages, 0.0)
        self._shown_at = time.monotonic()
        self._lock = Lock()
        self._artifact: UUID | None = None
        with suppress(*_UNTOLD):
            made = create_progress_artifact(0, key="nightly-progress", description=night.label)
            self._artifact = cast("UUID", made)

    def moved(self, stage: str, done: int, total: int) -> None:
        """A suite has come so far."""
        self._set(stage, done / total if total else 0.0)

    def ended(self, stage: str, judgement: Judgement, reason: str) -> None:  # noqa: ARG002 - what listeners are told
        """A stage has ended."""
        self._set(stage, 1.0)

    def closed(self, report: CycleReport) -> None:  # noqa: ARG002 - what listeners are told
        """All that was left to be done is done, also where a killed night had done the rest."""
        self._stages = dict.fromkeys(self._stages, 1.0)
        self.show()

    def _set(self, stage: str, share: float) -> None:
        with self._lock:
            self._stages[stage] = share
            now = time.monotonic()
            if now - self._shown_at < _EVERY_S and share < 1.0:
                return
            self._shown_at = now
        self.show()

    def show(self) -> None:
        """Move the bar to where it is."""
        if self._artifact is None:
            return
        share = sum(self._stages.values()) / max(len(self._stages), 1)
        try:
            update_progress_artifact(self._artifact, progress=100 * share)
        except _UNTOLD:
            self._artifact = None
