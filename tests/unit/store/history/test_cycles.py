"""Cycles and their stages, services and data, on both databases."""

from datetime import timedelta

import pytest

from recloser.store import Store, StoreError
from recloser.values import CycleVerdict, DataRun, Judgement, ServiceRun, Stage
from tests.unit.store.history.conftest import NIGHT, night


class TestCycle:
    """One night."""

    def test_comes_back_as_it_was_opened_and_closed(self, store: Store) -> None:
        """Every field, and the verdict once it has one."""
        opened = night()
        store.history.open_cycle(opened)
        assert store.history.cycle(opened.cycle_id) == opened
        at = NIGHT + timedelta(hours=1)
        closed = store.history.close_cycle(opened.cycle_id, CycleVerdict.RED, "2 of 7 fail", at)
        assert (closed.verdict, closed.reason, closed.closed_at) == (CycleVerdict.RED, "2 of 7 fail", at)
        assert store.history.cycle(opened.cycle_id) == closed

    def test_is_updated_when_it_is_resumed(self, store: Store) -> None:
        """The same night opened again is one night, of the flow run that goes on with it."""
        store.history.open_cycle(night())
        again = night().model_copy(update={"run_id": "second"})
        store.history.open_cycle(again)
        assert store.history.cycles("grid") == (again,)

    def test_keeps_its_verdict(self, store: Store) -> None:
        """The same verdict again is no change, another one is refused, and so is opening it again."""
        store.history.open_cycle(night())
        key = night().cycle_id
        closed = store.history.close_cycle(key, CycleVerdict.GREEN, "all passed", NIGHT)
        assert store.history.close_cycle(key, CycleVerdict.GREEN, "again", NIGHT + timedelta(days=1)) == closed
        with pytest.raises(StoreError, match="closed as green: it cannot become red"):
            store.history.close_cycle(key, CycleVerdict.RED, "late news", NIGHT)
        with pytest.raises(StoreError, match="closed as green: open another"):
            store.history.open_cycle(night())

    def test_that_is_unknown_is_named(self, store: Store) -> None:
        """Nothing is saved of, or read from, a night that was never opened."""
        for ask in (
            lambda: store.history.cycle("none"),
            lambda: store.history.begin_stage("none", "services", NIGHT),
            lambda: store.history.last_good("grid", before="none"),
            lambda: store.history.close_cycle("none", CycleVerdict.RED, "", NIGHT),
        ):
            with pytest.raises(StoreError, match="no cycle 'none'"):
                ask()


class TestUnfinished:
    """The night to resume."""

    def test_is_the_newest_without_a_verdict(self, store: Store) -> None:
        """Only the target's newest night can be gone on with; another target's is none of its business."""
        assert store.history.unfinished("grid") is None
        store.history.open_cycle(night(0))
        store.history.open_cycle(night(0, "other"))
        assert store.history.unfinished("grid") == night(0)
        store.history.open_cycle(night(1))
        store.history.close_cycle(night(1).cycle_id, CycleVerdict.GREEN, "", NIGHT)
        assert store.history.unfinished("grid") is None
        assert store.history.targets() == ("grid", "other")


class TestLastGood:
    """What later nights are compared with."""

    def test_is_green_and_earlier(self, store: Store) -> None:
        """Red, unverified and running nights are never a baseline, nor is the night itself."""
        verdicts = ["green", "green", "red", "not-verified", "regression", None]
        for number, verdict in enumerate(verdicts):
            store.history.open_cycle(night(number))
            if verdict:
                store.history.close_cycle(night(number).cycle_id, CycleVerdict(verdict), "", NIGHT)
        ids = [night(number).cycle_id for number in range(len(verdicts))]
        assert store.history.last_good("other") is None
        assert store.history.last_good("grid", before=ids[0]) is None
        for before, expected in [(None, ids[1]), (ids[1], ids[0]), (ids[5], ids[1])]:
            found = store.history.last_good("grid", before=before)
            assert found is not None
            assert found.cycle_id == expected
        assert [cycle.cycle_id for cycle in store.history.good("grid")] == [ids[1], ids[0]]
        assert [cycle.cycle_id for cycle in store.history.cycles("grid", last=2)] == [ids[5], ids[4]]


class TestStage:
    """One step of a night."""

    def test_is_written_before_and_after(self, store: Store) -> None:
        """What a killed night left behind says which steps need not be repeated, and what came of them."""
        store.history.open_cycle(night())
        key, later = night().cycle_id, NIGHT + timedelta(seconds=5)
        store.history.begin_stage(key, "services", NIGHT)
        ended = Stage(name="services", started_at=NIGHT, ended_at=later, judgement=Judgement.PASSED, reason="2 up")
        store.history.end_stage(key, ended, {"names": ["db", "web\0\ud800"]})
        store.history.begin_stage(key, "suite/unit", later)
        assert store.history.stages(key) == (ended, Stage(name="suite/unit", started_at=later))
        assert store.history.stage_results(key) == {"services": {"names": ["db", "web\0\ud800"]}}

    def test_that_begins_again_has_not_ended(self, store: Store) -> None:
        """A step that is repeated forgets what it was."""
        store.history.open_cycle(night())
        key = night().cycle_id
        store.history.end_stage(key, Stage(name="compare", started_at=NIGHT, ended_at=NIGHT), {"a": 1})
        store.history.begin_stage(key, "compare", NIGHT)
        assert store.history.stages(key) == (Stage(name="compare", started_at=NIGHT),)
        assert store.history.stage_results(key) == {}

    def test_refuses_a_result_that_is_not_json(self, store: Store) -> None:
        """What could not be read back is not written, and the stage stays as it was."""
        store.history.open_cycle(night())
        key = night().cycle_id
        with pytest.raises(StoreError, match="result of stage compare is not JSON"):
            store.history.end_stage(key, Stage(name="compare", started_at=NIGHT), {"a": object()})
        assert store.history.stages(key) == ()


def test_services_and_data_come_back_and_are_replaced(store: Store) -> None:
    """What they did in a night is kept whole; saved again, it is there once."""
    store.history.open_cycle(night())
    key = night().cycle_id
    service = ServiceRun(name="db", judgement=Judgement.FAILED, restarts=3, log_tail="\0 panic \ud800")
    data = DataRun(name="loads", judgement=Judgement.PASSED, rows=7, findings=("one",), charts=("<svg/>",))
    store.history.save_service_runs(key, [service, service.model_copy(update={"name": "a"})])
    store.history.save_service_runs(key, [service.model_copy(update={"restarts": 4})])
    store.history.save_data_run(key, data)
    store.history.save_data_run(key, data)
    assert [(run.name, run.restarts) for run in store.history.service_runs(key)] == [("a", 3), ("db", 4)]
    assert store.history.service_runs(key)[1].log_tail == service.log_tail
    assert store.history.data_runs(key) == (data,)
