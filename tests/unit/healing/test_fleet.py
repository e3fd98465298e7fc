"""Jobs that failed together: found, grouped, healed once, resubmitted once each, whatever is killed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from recloser.aws import Rejected
from recloser.healing import (
    Group,
    Healing,
    Narrator,
    NotReady,
    Selection,
    find_failures,
    open_fleet,
    open_healing,
    unfinished_fleet,
    until_settled,
)
from recloser.store import Store, holding
from recloser.values import (
    ChangeState,
    Evidence,
    FailedJob,
    FixMode,
    Incident,
    JobDefinition,
    JobSnapshot,
    JobSpec,
    JobState,
    Verdict,
    utc_now,
)
from tests.unit.healing.fakes import (
    ROLE_ARN,
    FakeAccount,
    FakeBatch,
    FakeSuccesses,
    a_site,
    a_target,
    failed,
    succeeded,
)
from tests.unit.healing.test_session import MISSING_A

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

NO_ROOM = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested"
DEFINITION = "arn:aws:batch:us-east-1:000000000000:job-definition/optimo:3"


class Killed(BaseException):
    """kill -9."""


class FakeFleet(FakeSuccesses):
    """The jobs that others have submitted and that failed, and lists of all."""

    def __init__(self, batch: FakeBatch) -> None:
        super().__init__()
        self.batch = batch
        self.jobs: dict[str, Evidence] = {}
        self.children: dict[str, list[str]] = {}

    def fail(self, job_id: str, evidence: Evidence, **facts: Any) -> None:
        usual = {"job_id": job_id, "name": f"theirs-{job_id}", "definition_arn": DEFINITION, "log_stream": job_id}
        job = evidence.job.model_copy(update={**usual, "queue": "optimo", **facts})
        self.jobs[job_id] = evidence.model_copy(update={"job": job})

    def fail_array(self, parent: str, evidence: Evidence, *, size: int, children: Iterable[int]) -> None:
        self.fail(parent, failed(), array_size=size, log_stream=None)
        self.children[parent] = [f"{parent}:{index}" for index in children]
        for child in self.children[parent]:
            self.fail(child, evidence)

    def failed(self, queue: str, *, since: datetime) -> tuple[FailedJob, ...]:
        return tuple(FailedJob(job_id=job_id) for job_id in self.jobs if ":" not in job_id)

    def failed_children(self, parent_id: str) -> tuple[str, ...]:
        return tuple(self.children[parent_id])

    def named(self, queue: str, prefix: str) -> dict[str, tuple[str, ...]]:
        names = [spec.name for spec in self.batch.submitted if spec.queue == queue]
        return {name: self.batch.find(queue, name) for name in names if name.startswith(prefix)}

    def specs(self, job_ids: Iterable[str]) -> dict[str, JobSpec]:
        known = {job_id: self.jobs[job_id].job for job_id in job_ids if job_id in self.jobs}
        return {
            job_id: JobSpec(
                name=job.name,
                queue=job.queue,
                definition=job.definition_arn,
                environment={"PART": SecretStr(job_id)},
                array_size=job.array_size,
            )
            for job_id, job in known.items()
        }


class World:
    """An account in which jobs have failed, and a store that outlives processes."""

    def __init__(self, folder: Path, **tables: Any) -> None:
        self.folder = folder
        self.tables = tables
        self.store = Store.open(f"sqlite:///{folder / 'store.db'}")
        self.account = FakeAccount()
        self.fleet = FakeFleet(self.account.batch)
        self.account.fleet = self.fleet
        self.stopped: list[str] = []
        self.account.batch.terminate = lambda job_id, reason: self.stopped.append(job_id)  # type: ignore[attr-defined]
        self.account.batch.play = lambda spec: succeeded() if "VAR_A" in spec.environment else failed(MISSING_A)
        ours = self.account.batch.describe
        self.account.batch.describe = lambda ids: self._known(list(ids), ours)  # type: ignore[method-assign]
        tail = self.account.logs.tail
        self.account.logs.tail = lambda stream, **how: (  # type: ignore[method-assign]
            self.fleet.jobs[stream].log if stream in self.fleet.jobs else tail(stream, **how)
        )
        self.countdown = 10_000_000

    def _known(self, ids: list[str], ours: Callable[[list[str]], dict[str, JobSnapshot]]) -> dict[str, JobSnapshot]:
        theirs = {job_id: self.fleet.jobs[job_id].job for job_id in ids if job_id in self.fleet.jobs}
        return theirs | ours([job_id for job_id in ids if job_id.startswith("job-")])

    def mortal(self) -> None:
        """From here on every effect may be the last."""
        for owner, names in (
            *((account.batch, ("submit",)) for account in self.accounts),
            (self.store, ("save_incident", "save_attempt", "plan_change", "settle_change")),
        ):
            for name in names:
                setattr(owner, name, self._mortal(getattr(owner, name)))

    def _mortal(self, effect: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.countdown -= 1
            if self.countdown == 0:
                raise Killed
            return effect(*args, **kwargs)

        return call

    @property
    def accounts(self) -> list[FakeAccount]:
        """The account in every region."""
        return [self.account, *self.account.others.values()]

    @property
    def site(self) -> Any:
        """The target in its account."""
        watch = {"list_lag_s": 0}
        target = a_target(self.folder, watch=watch, catalogue={"VAR_A": {"value": "a"}}, **self.tables)
        return a_site(target, self.account)

    def groups(self, *job_ids: str) -> tuple[Group, ...]:
        """What is found on the queue, or of these jobs."""
        chosen = Selection(job_ids=job_ids) if job_ids else Selection(queue="optimo")
        return find_failures(self.site, self.store, chosen).groups

    def heal(self, group: Group | Incident) -> Incident:
        """The flow for one group."""
        healing = open_fleet(self.site, self.store, Narrator(), group, iterations=5, fix_mode=FixMode.AUTO)
        run(healing)
        healing.release()
        return healing.incident

    def process(self) -> list[Incident]:
        """The whole flow."""
        left = unfinished_fleet(self.site, self.store)
        return [self.heal(group) for group in (*([left] if left else []), *self.groups())]


def run(healing: Healing) -> None:
    """Heal the first, then the others."""
    until_settled(healing)
    if healing.resubmit_others():
        healing.watch_others()


@pytest.fixture
def world(tmp_path: Path) -> Any:
    """A clean one."""
    made = World(tmp_path)
    yield made
    made.store.close()


def test_jobs_are_grouped_by_what_they_died_of(world: World) -> None:
    """Ids, numbers and times in the text do not matter; another cause, another definition and a stop do."""
    for number in range(5):
        world.fleet.fail(f"a{number}", failed(f"part {number} at 2026-05-0{number + 1}: {MISSING_A}"))
    world.fleet.fail("b", failed("ValueError: no such thing"))
    world.fleet.fail("c", failed(MISSING_A), definition_arn=DEFINITION.replace("optimo:3", "other:1"))
    world.fleet.fail("d", failed(MISSING_A), is_terminated=True)
    world.fleet.fail("e", failed(MISSING_A), tags={"recloser:incident": "i"})
    found = find_failures(world.site, world.store, Selection(queue="optimo"))
    assert [[unit.source_id for unit in group.units] for group in found.groups] == [
        ["a0", "a1", "a2", "a3", "a4"],
        ["b"],
    ]
    assert found.left_out == {
        "of another job definition than optimo": 1,
        "stopped by a person": 1,
        "submitted by Recloser itself": 1,
    }


def test_too_many_are_refused_before_anything_is_done(world: World, tmp_path: Path) -> None:
    """The declared limit is named."""
    world.tables = {"fleet": {"max_jobs": 2}}
    for number in range(3):
        world.fleet.fail(f"a{number}", failed(MISSING_A))
    with pytest.raises(NotReady, match="fleet.max_jobs"):
        world.groups()


def test_one_diagnosis_and_one_change_for_all(world: World) -> None:
    """The failed job is the first attempt, its like the proof, and every other is resubmitted with its own inputs."""
    for number in range(120):
        world.fleet.fail(f"a{number}", failed(MISSING_A))
    (incident,) = world.process()
    assert (incident.verdict, incident.reason) == (
        Verdict.HEALED,
        "120 of 120 jobs that had failed of one cause work again.",
    )
    assert [change.state for change in incident.changes] == [ChangeState.VERIFIED]
    assert len([attempt for attempt in incident.attempts if attempt.diagnosis]) == 1
    parts = [spec.environment["PART"].get_secret_value() for spec in world.account.batch.submitted]
    assert sorted(parts) == sorted(f"a{number}" for number in range(120))
    retried = {spec.tags.get("recloser:retry-of") for spec in world.account.batch.submitted[1:]}
    assert len(retried) == 119
    assert {spec.tags["recloser:incident"] for spec in world.account.batch.submitted} == {incident.incident_id}
    assert world.store.incident(incident.incident_id) == incident
    assert world.groups() == ()


def test_what_cannot_be_healed_is_submitted_not_once(world: World) -> None:
    """A defect of the code: no doomed retry."""
    for number in range(10):
        world.fleet.fail(f"a{number}", failed("ValueError: no such thing"))
    (incident,) = world.process()
    assert incident.verdict is Verdict.LOCKED_OUT
    assert world.account.batch.submitted == []


def test_those_that_fail_again_are_told(world: World) -> None:
    """Three of five work; the reasons of the others are counted, and a person must act."""
    for number in range(5):
        world.fleet.fail(f"a{number}", failed(MISSING_A))
    bad = {"a3", "a4"}
    submit = world.account.batch.submit

    def refuse(spec: JobSpec) -> str:
        if spec.environment["PART"].get_secret_value() == "a4":
            raise Rejected("too long", service="batch", operation="SubmitJob")
        return submit(spec)

    world.account.batch.submit = refuse  # type: ignore[method-assign]
    world.account.batch.play = lambda spec: (
        succeeded()
        if "VAR_A" in spec.environment and spec.environment["PART"].get_secret_value() not in bad
        else failed("x", container_reason="OutOfMemoryError")
    )
    (incident,) = world.process()
    assert incident.verdict is Verdict.LOCKED_OUT
    assert incident.reason.startswith("3 of 5 jobs")
    assert "1 x OutOfMemoryError" in incident.reason
    assert "1 x not submitted: too long" in incident.reason


def test_an_array_is_resubmitted_whole_or_child_by_child(world: World) -> None:
    """Whole, because only Batch sets the index; child by child where the job takes it from a declared variable."""
    world.fleet.fail_array("p", failed(MISSING_A), size=9, children=[2, 5])
    (group,) = world.groups()
    assert [(unit.source_id, unit.index, unit.is_array) for unit in group.units] == [("p", None, True)]
    incident = world.heal(group)
    assert incident.verdict is Verdict.HEALED
    assert [spec.array_size for spec in world.account.batch.submitted] == [9]

    world.tables = {"fleet": {"index_variable": "INDEX"}}
    world.fleet.fail_array("q", failed(MISSING_A), size=9, children=[2, 5])
    (group,) = world.groups("q:2", "q:5")
    incident = world.heal(group)
    singles = world.account.batch.submitted[1:]
    assert [(spec.array_size, spec.environment["INDEX"].get_secret_value()) for spec in singles] == [
        (None, "2"),
        (None, "5"),
    ]
    assert incident.verdict is Verdict.HEALED


def test_a_job_that_batch_has_forgotten_is_said(world: World) -> None:
    """It is counted, not waited for."""
    found = find_failures(world.site, world.store, Selection(job_ids=("gone",)))
    assert (found.groups, found.left_out) == ((), {"not known to Batch any more": 1})


def test_the_two_kinds_of_healing_do_not_take_up_each_other(world: World) -> None:
    """Whoever finds the other's open incident says which command takes it up."""
    world.fleet.fail("a", failed(MISSING_A))
    (group,) = world.groups()
    open_fleet(world.site, world.store, Narrator(), group, iterations=5, fix_mode=FixMode.AUTO).release()
    with pytest.raises(NotReady, match="--failed-on optimo"):
        open_healing(world.site, world.store, Narrator(), iterations=5, fix_mode=FixMode.AUTO)
    world.process()
    open_healing(world.site, world.store, Narrator(), iterations=5, fix_mode=FixMode.AUTO).release()
    with pytest.raises(NotReady, match="recloser heal TARGET"):
        unfinished_fleet(world.site, world.store)


@pytest.mark.parametrize("on_cancel", ["terminate", "leave"])
def test_a_cancelled_fleet_says_what_became_of_its_jobs(world: World, on_cancel: str) -> None:
    """All of them terminated and the incident closed, or all left and the incident open."""
    for number in range(4):
        world.fleet.fail(f"a{number}", failed(MISSING_A))
    (group,) = world.groups()
    site = world.site
    watch = site.target.watch.model_copy(update={"on_cancel": on_cancel})
    site = a_site(site.target.model_copy(update={"watch": watch}), world.account)
    healing = open_fleet(site, world.store, Narrator(), group, iterations=5, fix_mode=FixMode.AUTO)
    describe = world.account.batch.describe

    def cancel(ids: list[str]) -> Any:
        if len(world.account.batch.submitted) == 4:
            raise KeyboardInterrupt
        return describe(ids)

    world.account.batch.describe = cancel  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        run(healing)
    assert len(world.stopped) == (3 if on_cancel == "terminate" else 0)
    assert healing.incident.verdict is (Verdict.CANCELLED if on_cancel == "terminate" else Verdict.OPEN)


def missing_variable(folder: Path) -> World:
    """Jobs that lack a variable."""
    return failing(World(folder), failed(MISSING_A))


def no_capacity_in_the_region(folder: Path) -> World:
    """Jobs that find no capacity in their region, and would in another, on a queue of another name."""
    world = World(folder, guardrails={"regions": [{"name": "eu-west-1", "queue": "eu"}]})
    world.account.batch.play = lambda spec: failed(status_reason=NO_ROOM)
    there = FakeAccount(region="eu-west-1", batch=FakeBatch(play=lambda spec: succeeded()))
    there.batch.definitions = {"optimo": JobDefinition(arn="arn:eu", name="optimo", revision=1, job_role_arn=ROLE_ARN)}
    there.fleet = FakeFleet(there.batch)
    world.account.others = {"eu-west-1": there}
    return failing(world, failed(status_reason=NO_ROOM))


def failing(world: World, evidence: Evidence) -> World:
    """Six jobs of others that have failed so."""
    for number in range(6):
        world.fleet.fail(f"a{number}", evidence)
    return world


@pytest.mark.parametrize("made", [missing_variable, no_capacity_in_the_region])
def test_killed_at_any_effect_every_job_is_submitted_once(
    made: Callable[[Path], World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command again: one incident, every job once, all of them work; wherever the change has led them."""
    monkeypatch.setattr(holding, "is_gone", lambda owner, seen_at: True)
    jobs = 6

    def a_world(name: str) -> World:
        (tmp_path / name).mkdir()
        world = made(tmp_path / name)
        world.mortal()
        return world

    plain = a_world("plain")
    plain.process()
    effects = 10_000_000 - plain.countdown
    plain.store.close()
    assert effects > 20
    for moment in range(1, effects + 1):
        world = a_world(str(moment))
        world.countdown = moment
        with pytest.raises(Killed):
            world.process()
        world.countdown = 10_000_000
        world.process()
        (incident,) = world.store.incidents()
        assert incident.verdict is Verdict.HEALED, moment
        assert incident.fleet is not None
        assert incident.fleet.count(JobState.SUCCEEDED) == jobs
        names = [spec.name for account in world.accounts for spec in account.batch.submitted]
        assert len(names) == len(set(names)) == jobs, f"killed before effect {moment} of {effects}"
        assert incident.opened_at <= utc_now()
        world.store.close()
