"""The repository of a target's nights: each call is one transaction, and any thread may make it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from recloser.store.desk import desk_in
from recloser.store.history.cycles import (
    close,
    cycle_ids,
    cycle_of,
    green_cycles,
    newest_cycles,
    refuse_closed,
    require_cycle,
    result_json,
    stage_of,
)
from recloser.store.history.durations import expected_durations
from recloser.store.history.names import find_target, find_tests
from recloser.store.history.nights import read_points, read_weeks
from recloser.store.history.retention import KEEP_CYCLES, drop_unused_details, fold, old_cycles
from recloser.store.history.story import read_story, read_test_weeks
from recloser.store.history.suites import read_heads, read_runs, save_run
from recloser.store.history.tables import CycleRow, DataRunRow, ServiceRunRow, StageRow
from recloser.store.rows import columns_of, value_of
from recloser.values import Cycle, CycleVerdict, DataRun, HistoryPoint, ServiceRun, Stage, SuiteRun, TestNight, WeekRow

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    import pandas as pd

    from recloser.store.desk import Desk
    from recloser.store.transactions import Transactions


class History:
    """A target's nights, as they were."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def open_cycle(self, cycle: Cycle) -> None:
        """Insert a cycle, or update one that is resumed.

        Raises:
            StoreError: A cycle of this id is closed already.
        """
        with self._transactions.write(cycle.target) as session:
            present = session.get(CycleRow, cycle.cycle_id)
            if present is not None:
                refuse_closed(present)
            session.merge(CycleRow(**columns_of(cycle, CycleRow)))

    def close_cycle(
        self,
        cycle_id: str,
        verdict: CycleVerdict,
        reason: str,
        at: datetime,
        *,
        tell: Callable[[Desk], object] | None = None,
    ) -> Cycle:
        """Give a cycle its verdict; the same one again changes nothing.

        Args:
            cycle_id: The cycle.
            verdict: What it comes to.
            reason: Why, in a sentence.
            at: When.
            tell: Writes down who has to be told, in the same transaction: both are kept, or neither.

        Returns:
            The cycle as it is now.

        Raises:
            StoreError: There is no such cycle, or it has another verdict.
        """
        with self._transactions.write(cycle_id) as session:
            row = require_cycle(session, cycle_id)
            close(row, cycle_of(row).model_copy(update={"verdict": verdict, "reason": reason, "closed_at": at}))
            if tell is not None:
                tell(desk_in(session))
            return cycle_of(row)

    def cycle(self, cycle_id: str) -> Cycle:
        """One cycle.

        Raises:
            StoreError: There is no such cycle.
        """
        with self._transactions.read() as session:
            return cycle_of(require_cycle(session, cycle_id))

    def cycles(self, target: str, *, last: int = 20) -> tuple[Cycle, ...]:
        """A target's newest cycles, the newest first; one that is running is among them."""
        with self._transactions.read() as session:
            return tuple(map(cycle_of, session.scalars(newest_cycles(target).limit(max(last, 0)))))

    def unfinished(self, target: str) -> Cycle | None:
        """A target's newest cycle, if it has no verdict: the one to resume, or to close as interrupted."""
        newest = self.cycles(target, last=1)
        return newest[0] if newest and newest[0].verdict is None else None

    def last_good(self, target: str, *, before: str | None = None) -> Cycle | None:
        """A target's newest green cycle: the only kind that later ones are compared with.

        Args:
            target: The target.
            before: Only of the cycles opened before this one.

        Raises:
            StoreError: There is no cycle `before`.
        """
        good = self.good(target, before=before, last=1)
        return good[0] if good else None

    def good(self, target: str, *, before: str | None = None, last: int = 10) -> tuple[Cycle, ...]:
        """A target's newest green cycles, the newest first; arguments as of `last_good`."""
        with self._transactions.read() as session:
            return tuple(map(cycle_of, session.scalars(green_cycles(session, target, before).limit(max(last, 0)))))

    def targets(self) -> tuple[str, ...]:
        """The names of all targets that have a cycle, in order."""
        with self._transactions.read() as session:
            return tuple(session.scalars(select(CycleRow.target).distinct().order_by(CycleRow.target)))

    def begin_stage(self, cycle_id: str, name: str, at: datetime) -> None:
        """Write down that a stage begins, before it does; what an earlier beginning left is forgotten.

        Raises:
            StoreError: There is no such cycle.
        """
        self._save_stage(cycle_id, Stage(name=name, started_at=at), None)

    def end_stage(self, cycle_id: str, stage: Stage, result: Mapping[str, Any] | None = None) -> None:
        """Write down how a stage ended.

        Args:
            cycle_id: The cycle.
            stage: The stage, with its end and its judgement.
            result: What came of it as JSON: what a resumed cycle needs to go on without repeating it.

        Raises:
            StoreError: There is no such cycle, or the result is not JSON.
        """
        self._save_stage(cycle_id, stage, result)

    def _save_stage(self, cycle_id: str, stage: Stage, result: Mapping[str, Any] | None) -> None:
        kept = result_json(stage, result)
        with self._transactions.write(cycle_id) as session:
            require_cycle(session, cycle_id)
            session.merge(StageRow(cycle_id=cycle_id, **columns_of(stage, StageRow), result=kept))

    def stages(self, cycle_id: str) -> tuple[Stage, ...]:
        """A cycle's stages in the order they began."""
        wanted = select(StageRow).where(StageRow.cycle_id == cycle_id).order_by(StageRow.started_at, StageRow.name)
        with self._transactions.read() as session:
            return tuple(map(stage_of, session.scalars(wanted)))

    def stage_results(self, cycle_id: str) -> dict[str, dict[str, Any]]:
        """What came of the stages of a cycle that ended with a result, by name: they need not be repeated."""
        wanted = select(StageRow.name, StageRow.result).where(
            StageRow.cycle_id == cycle_id, StageRow.ended_at.is_not(None), StageRow.result.is_not(None)
        )
        with self._transactions.read() as session:
            return {name: json.loads(result or "{}") for name, result in session.execute(wanted)}

    def save_service_runs(self, cycle_id: str, runs: Iterable[ServiceRun]) -> None:
        """Insert or update what services did in a cycle.

        Raises:
            StoreError: There is no such cycle.
        """
        with self._transactions.write(cycle_id) as session:
            require_cycle(session, cycle_id)
            for run in runs:
                session.merge(ServiceRunRow(cycle_id=cycle_id, **columns_of(run, ServiceRunRow)))

    def service_runs(self, cycle_id: str) -> tuple[ServiceRun, ...]:
        """What services did in a cycle, by name."""
        wanted = select(ServiceRunRow).where(ServiceRunRow.cycle_id == cycle_id).order_by(ServiceRunRow.name)
        with self._transactions.read() as session:
            return tuple(value_of(ServiceRun, row) for row in session.scalars(wanted))

    def save_data_run(self, cycle_id: str, run: DataRun) -> None:
        """Insert or update how a data set was judged in a cycle.

        Raises:
            StoreError: There is no such cycle.
        """
        with self._transactions.write(cycle_id) as session:
            require_cycle(session, cycle_id)
            session.merge(DataRunRow(cycle_id=cycle_id, **columns_of(run, DataRunRow)))

    def data_runs(self, cycle_id: str) -> tuple[DataRun, ...]:
        """How data sets were judged in a cycle, by name."""
        wanted = select(DataRunRow).where(DataRunRow.cycle_id == cycle_id).order_by(DataRunRow.name)
        with self._transactions.read() as session:
            return tuple(value_of(DataRun, row) for row in session.scalars(wanted))

    def save_suite_run(self, cycle_id: str, run: SuiteRun) -> None:
        """Keep a suite run with all its attempts, in place of what was kept of this suite in this cycle.

        Raises:
            StoreError: There is no such cycle, or one attempt is there twice; nothing is kept then.
        """
        with self._transactions.write(cycle_id) as session:
            save_run(session, require_cycle(session, cycle_id), run)

    def suite_runs(self, cycle_id: str) -> tuple[SuiteRun, ...]:
        """The suite runs of a cycle in the order they began, whole: attempts too are in the order they began."""
        with self._transactions.read() as session:
            return tuple(read_runs(session, cycle_id))

    def suite_heads(self, cycles: Collection[str]) -> dict[str, tuple[SuiteRun, ...]]:
        """The suite runs of some cycles without their attempts, by id of the cycle, in the order they began."""
        with self._transactions.read() as session:
            return read_heads(session, cycles)

    def find_target(self, name: str | None = None) -> str:
        """The target of this name, or the only one in the store where none is named.

        Raises:
            StoreError: There is none, or there are several to choose from.
        """
        with self._transactions.read() as session:
            return find_target(session, name)

    def find_tests(self, target: str, name: str) -> tuple[tuple[str, str], ...]:
        """Suites and test ids that a person means by a name: an id, or a part that no other id has.

        Raises:
            StoreError: None or several are called so; the message suggests names.
        """
        with self._transactions.read() as session:
            return find_tests(session, target, name)

    def story(self, target: str, suite: str, test_id: str, *, last: int = 30) -> tuple[TestNight, ...]:
        """One test in the newest cycles that ran its suite, the oldest first."""
        with self._transactions.read() as session:
            return tuple(read_story(session, target, suite, test_id, last))

    def test_weeks(self, target: str, suite: str, test_id: str) -> tuple[WeekRow, ...]:
        """What is left of a test's nights that were pruned, week by week, the oldest first."""
        with self._transactions.read() as session:
            return tuple(read_test_weeks(session, target, suite, test_id))

    def points(self, target: str, *, last: int = 60) -> tuple[HistoryPoint, ...]:
        """A target's newest cycles, counted; the oldest first, one that is running among them."""
        with self._transactions.read() as session:
            return read_points(session, target, last)

    def weeks(self, target: str, *, last: int = 26) -> tuple[WeekRow, ...]:
        """A target's newest weeks (Monday to Sunday, UTC) that have a cycle, counted; the oldest first."""
        with self._transactions.read() as session:
            return read_weeks(session, target, last)

    def outcomes(
        self, target: str, *, last: int = 60, suites: Collection[str] | None = None, also: Collection[str] = ()
    ) -> pd.DataFrame:
        """Every attempt of a target's newest cycles, as columns.

        Args:
            target: The target.
            last: How many cycles, counted back from the newest.
            suites: Of these suites only; None for all.
            also: Ids of older cycles that are wanted as well.

        Returns:
            One row for each attempt, the oldest cycle first: `cycle` (category, ordered by time), `run` (int32, 0 for
            the oldest cycle), `at` (UTC), `state` (category: tree|environment), `tier`, `suite`, `test` (categories),
            `attempt` (int32), `status` (category), `failed`, `judged` (bool; judged is passed or failed),
            `duration_s` (float64), `fingerprint` (category, NA where nothing failed), `position` (int32),
            `peak_rss_mib` (float32, NaN where unknown), `worker`, `probe` (categories; the probe is empty in the
            suite's own run).
        """
        from recloser.store.history.outcomes import read_outcomes  # noqa: PLC0415 - pandas takes a second to import

        with self._transactions.read() as session:
            return read_outcomes(session, target, cycle_ids(session, target, last, also), suites)

    def durations(self, target: str, suite: str) -> dict[str, float]:
        """How long each test of a suite is expected to take, in seconds, from its latest passes.

        Returns:
            By test id; tests that never passed of late are not in it.
        """
        with self._transactions.read() as session:
            return expected_durations(session, target, suite)

    def prune(self, before: datetime, *, keep_cycles: int = KEEP_CYCLES) -> int:
        """Fold old attempts into one row for each test and week; everything else of their cycles stays.

        Args:
            before: Attempts of cycles opened earlier than this go, but for those of cycles without a verdict and of
                the ten newest green ones, which later nights are compared with.
            keep_cycles: How many of a target's newest cycles keep theirs, however old.

        Returns:
            How many attempts went. Cycle by cycle is one transaction: a kill leaves each whole or folded.
        """
        gone = 0
        for target in self.targets():
            with self._transactions.read() as session:
                old = old_cycles(session, target, before, keep_cycles)
            for cycle_id in old:
                with self._transactions.write(cycle_id) as session:
                    gone += fold(session, cycle_id)
        with self._transactions.write() as session:
            drop_unused_details(session)
        return gone
