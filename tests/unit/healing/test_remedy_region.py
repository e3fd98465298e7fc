"""Another declared region: where it is taken, where it is not, and that everything goes on where the job is."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recloser.healing import Healing, Narrator, open_healing, until_settled
from recloser.healing.errors import Refused
from recloser.healing.permissions import operator_policy
from recloser.store import Store
from recloser.values import (
    Capacity,
    Cause,
    ChangeRecord,
    ChangeState,
    Evidence,
    FixMode,
    Incident,
    JobDefinition,
    JobSpec,
    Platform,
    Verdict,
    utc_now,
)
from tests.unit.healing.bench import Bench
from tests.unit.healing.fakes import ROLE_ARN, FakeAccount, FakeBatch, a_site, a_target, failed, succeeded

HOME, DUBLIN, OSAKA = "us-east-1", "eu-west-1", "ap-northeast-3"
REGIONS = [
    {"name": OSAKA},
    {"name": DUBLIN, "queue": "optimo-eu", "definition": "optimo-eu", "event_queue": "https://q"},
]
NO_ROOM = (
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested for instance type [x]"
)
SHM = "RuntimeError: DataLoader worker is killed by signal: Bus error. It is possible that shared memory limit is hit"


def elsewhere(region: str, name: str, **definition: Any) -> FakeAccount:
    """The account in a region where the job is called so."""
    facts = {"arn": f"arn:{region}:{name}:1", "name": name, "revision": 1, "image": "there", "job_role_arn": ROLE_ARN}
    known = JobDefinition.model_validate(facts | definition)
    return FakeAccount(region=region, batch=FakeBatch(definitions={name: known}))


def bench_of(folder: Path) -> Bench:
    """A job that found no capacity, and two regions to go to."""
    bench = Bench(folder, failed(status_reason=NO_ROOM), guardrails={"regions": REGIONS})
    bench.account.others = {DUBLIN: elsewhere(DUBLIN, "optimo-eu"), OSAKA: elsewhere(OSAKA, "optimo")}
    return bench


def test_the_next_declared_region_that_has_the_job_is_taken(tmp_path: Path) -> None:
    """In the declared order, by the names it has there; what changes is in the diff, the image too."""
    bench = bench_of(tmp_path)
    assert bench.plan("switch_region").amend(bench.spec, bench.site).region == OSAKA
    bench.account.others.pop(OSAKA)
    change = bench.plan("switch_region")
    spec = change.amend(bench.spec, bench.site)
    assert (spec.region, spec.queue, spec.definition) == (DUBLIN, "optimo-eu", "optimo-eu")
    diff = change.wording(bench.site).diff
    assert f"-region = {HOME}" in diff
    assert f"+region = {DUBLIN}" in diff
    assert "+image = there" in diff


@pytest.mark.parametrize(
    ("there", "why"),
    [
        (FakeAccount(region=DUBLIN, batch=FakeBatch(closed={"optimo-eu"})), "no job queue optimo-eu"),
        (FakeAccount(region=DUBLIN), "no job definition optimo-eu"),
        (elsewhere(DUBLIN, "optimo-eu", job_role_arn="arn:aws:iam::000000000000:role/other"), "role/other, the job as"),
        (elsewhere(DUBLIN, "optimo-eu", platform=Platform.FARGATE), "runs on FARGATE"),
    ],
    ids=["no queue", "no definition", "another role", "another platform"],
)
def test_a_region_where_the_job_would_be_another_is_passed_over(tmp_path: Path, there: FakeAccount, why: str) -> None:
    """And the report says why."""
    bench = bench_of(tmp_path)
    bench.account.others = {DUBLIN: there}
    with pytest.raises(Refused, match=f"{OSAKA}: no job queue.*{DUBLIN}: .*{why}"):
        bench.plan("switch_region")


def test_a_region_without_room_is_passed_over(tmp_path: Path) -> None:
    """A queue that cannot place the job there is no way out either."""
    bench = bench_of(tmp_path)
    bench.evidence = failed(status_reason=NO_ROOM, vcpus=8)
    for account, queue in ((bench.account.others[DUBLIN], "optimo-eu"), (bench.account.others[OSAKA], "optimo")):
        account.capacity.queues[queue] = Capacity(max_vcpus=4)
    with pytest.raises(Refused, match="at most 4 vCPUs"):
        bench.plan("switch_region")


def test_no_region_is_taken_that_is_not_declared(tmp_path: Path) -> None:
    """Data may not leave a region only because an instance is missing."""
    with pytest.raises(Refused, match="guardrails.regions"):
        Bench(tmp_path, failed(status_reason=NO_ROOM)).plan("switch_region")


def test_what_was_made_for_the_job_in_one_region_keeps_it_there(tmp_path: Path) -> None:
    """A sibling definition does not exist elsewhere: the job would fail there of what is cured here."""
    bench = bench_of(tmp_path)
    record = ChangeRecord.model_validate(
        {"change_id": "c-1", "attempt": 1, "remedy": "pin_image", "level": "A2", "summary": "pin optimo:1.4.1"}
        | {"diff": "", "permanent": "", "undo": "", "cause": Cause.IMAGE_NOT_FOUND, "planned_at": utc_now()}
        | {"state": ChangeState.VERIFIED}
    )
    bench.incident = bench.incident.model_copy(update={"changes": (record,)})
    with pytest.raises(Refused, match="in this region alone: pin optimo:1.4.1"):
        bench.plan("switch_region")
    reverted = record.model_copy(update={"state": ChangeState.REVERTED})
    bench.incident = bench.incident.model_copy(update={"changes": (reverted,)})
    assert bench.plan("switch_region").kind == "switch_region"


def test_the_operator_may_use_what_is_declared_there(tmp_path: Path) -> None:
    """Queue, definition and event queue by their names in that region, and nothing more."""
    policy = operator_policy(a_target(tmp_path, guardrails={"regions": REGIONS}))
    assert "job-queue/optimo-eu" in policy
    assert "job-definition/optimo-eu:*" in policy
    assert "optimo-eu" not in operator_policy(a_target(tmp_path))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of its own for each test."""
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


Play = Callable[[JobSpec], Evidence]


def no_room(spec: JobSpec) -> Evidence:
    """There is no capacity here."""
    del spec
    return failed(status_reason=f"Canceled by JobStateTimeLimit action due to reason: {NO_ROOM}", exit_code=None)


def healing_of(store: Store, folder: Path, there: Play, osaka: Play = no_room) -> tuple[Healing, FakeAccount]:
    """A healing of a job that finds no capacity at home."""
    account = FakeAccount(batch=FakeBatch(play=no_room))
    account.others = {DUBLIN: elsewhere(DUBLIN, "optimo-eu"), OSAKA: elsewhere(OSAKA, "optimo")}
    account.others[DUBLIN].batch.play, account.others[OSAKA].batch.play = there, osaka
    rails = {"regions": REGIONS, "shared_memory": {"max_mib": 256}}
    site = a_site(a_target(folder, watch={"list_lag_s": 0}, guardrails=rails), account)
    return open_healing(site, store, Narrator(), iterations=9, fix_mode=FixMode.AUTO), account


def states(incident: Incident) -> list[tuple[str, ChangeState]]:
    """Remedy and state of every change."""
    return [(change.remedy, change.state) for change in incident.changes]


def test_each_region_is_tried_once_and_a_person_is_told(store: Store, tmp_path: Path) -> None:
    """No capacity anywhere: three attempts, and nothing is left of the moves."""
    healing, account = healing_of(store, tmp_path, no_room)
    incident = until_settled(healing)
    assert incident.verdict is Verdict.LOCKED_OUT
    assert states(incident) == [("switch_region", ChangeState.REVERTED)] * 2
    assert [attempt.region for attempt in incident.attempts] == [None, OSAKA, DUBLIN]
    assert [len(one.batch.submitted) for one in (account, *account.others.values())] == [1, 1, 1]


def test_what_the_job_needs_there_is_changed_there(store: Store, tmp_path: Path) -> None:
    """A sibling definition is registered in the region the job has moved to, and in no other."""

    def play(spec: JobSpec) -> Evidence:
        return succeeded() if spec.definition.endswith("-shm") else failed(SHM)

    healing, account = healing_of(store, tmp_path, play, osaka=play)
    incident = until_settled(healing)
    assert incident.verdict is Verdict.HEALED
    assert states(incident) == [("switch_region", ChangeState.VERIFIED), ("set_shared_memory", ChangeState.VERIFIED)]
    assert [attempt.region for attempt in incident.attempts] == [None, OSAKA, OSAKA]
    assert [name for name in account.others[OSAKA].batch.definitions if name.endswith("-shm")]
    assert account.batch.definitions == {}
    assert incident.patch is not None
    assert incident.patch.definition is not None
    assert [OSAKA in line for line in incident.patch.by_hand] == [True]
