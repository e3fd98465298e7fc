"""Remedies that need another revision: a sibling with one edit, tagged, found in place, taken back."""

from pathlib import Path
from typing import Any

import pytest

from recloser.healing.errors import ChangeFailed, Proposed, Refused
from recloser.values import AutonomyLevel, Cause, ChangeRecord, ChangeState, ContainerEdits, Platform, utc_now
from tests.unit.healing.bench import Bench
from tests.unit.healing.fakes import failed

NAME = "optimo-recloser-20260101-000000-abcd"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "very-secret", "OTHER": "1"}
ROLE = "arn:aws:iam::000000000000:role/optimo-job"


def edits_of(bench: Bench, remedy: str, cause: Cause) -> ContainerEdits:
    """Carry a remedy out and back; the edits of its sibling."""
    change = bench.plan(remedy, cause)
    change.apply(bench.site)
    sibling = bench.account.batch.definitions[change.amend(bench.spec, bench.site).definition]
    assert sibling.name.startswith(NAME)
    assert sibling.tags == {"recloser:incident": "20260101-000000-abcd"}
    change.verify(bench.site)
    change.revert(bench.site)
    assert bench.account.batch.definitions == {}
    edits: ContainerEdits = change.sibling.edits  # type: ignore[attr-defined]
    return edits


def tables(**guardrails: Any) -> dict[str, Any]:
    """A target with these guardrails."""
    return {"guardrails": guardrails}


@pytest.mark.parametrize(
    ("job", "limit", "after"),
    [
        ({}, {"max_mib": 1024}, 128),
        ({"shared_memory_mib": 100}, {"max_mib": 150}, 150),
        ({"shared_memory_mib": 200, "memory_mib": 256}, {"max_mib": 1024}, 256),
    ],
)
def test_shared_memory_grows_within_its_cap_and_the_job_s_memory(
    tmp_path: Path, job: dict[str, Any], limit: dict[str, Any], after: int
) -> None:
    """Docker's 64 MiB when nothing is said; it counts against the container's memory."""
    bench = Bench(tmp_path, failed(**job), **tables(shared_memory=limit))
    assert edits_of(bench, "set_shared_memory", Cause.SHM_TOO_SMALL) == ContainerEdits(shared_memory_mib=after)


def test_shared_memory_stops_at_the_cap_and_is_not_for_fargate(tmp_path: Path) -> None:
    """Nothing larger is declared, or there is no such setting."""
    limit = tables(shared_memory={"max_mib": 64})
    with pytest.raises(Refused, match="allows 64"):
        Bench(tmp_path, failed(), **limit).plan("set_shared_memory", Cause.SHM_TOO_SMALL)
    with pytest.raises(Refused, match="Fargate"):
        Bench(tmp_path, failed(platform="FARGATE"), **limit).plan("set_shared_memory", Cause.SHM_TOO_SMALL)
    with pytest.raises(Refused, match="guardrails.shared_memory"):
        Bench(tmp_path, failed()).plan("set_shared_memory", Cause.SHM_TOO_SMALL)


def test_a_second_step_has_a_sibling_of_its_own(tmp_path: Path) -> None:
    """The first is still in force, and what it copies is what failed."""
    bench = Bench(tmp_path, failed(), **tables(shared_memory={"max_mib": 1024}))
    first = ChangeRecord(
        change_id="1", attempt=1, remedy="set_shared_memory", level=AutonomyLevel.REVERSIBLE, summary="", diff="",
        permanent="", undo="", cause=Cause.SHM_TOO_SMALL, state=ChangeState.VERIFIED, planned_at=utc_now(),
    )  # fmt: skip
    bench.incident = bench.incident.model_copy(update={"changes": (first,)})
    change = bench.plan("set_shared_memory", Cause.SHM_TOO_SMALL)
    assert change.amend(bench.spec, bench.site).definition == f"{NAME}-shm2"


@pytest.mark.parametrize(("before", "after"), [(None, 40), (150, 200)])
def test_scratch_grows_on_fargate(tmp_path: Path, before: int | None, after: int) -> None:
    """From Fargate's 20 GiB up to the declared cap."""
    job = failed(platform=Platform.FARGATE, ephemeral_gib=before)
    bench = Bench(tmp_path, job, **tables(disk={"max_gib": 200}))
    assert edits_of(bench, "grow_disk", Cause.DISK_FULL) == ContainerEdits(ephemeral_gib=after)


def test_the_disk_of_a_host_is_its_owner_s(tmp_path: Path) -> None:
    """On EC2 the change is worded, and left to a person."""
    with pytest.raises(Proposed, match="hosts of queue optimo") as proposed:
        Bench(tmp_path, failed(), **tables(disk={"max_gib": 200})).plan("grow_disk", Cause.DISK_FULL)
    with pytest.raises(ChangeFailed, match="for a person"):
        proposed.value.change.apply(Bench(tmp_path, failed()).site)


def test_static_keys_are_taken_out_where_a_role_stands_behind_them(tmp_path: Path) -> None:
    """Only the keys, by name; no value is shown or kept."""
    bench = Bench(tmp_path, failed(environment=KEYS), **tables(definition={"unset_static_keys": True}))
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    assert edits_of(bench, "unset_static_keys", Cause.CREDENTIALS_MISSING) == ContainerEdits(unset_environment=names)
    change = bench.plan("unset_static_keys", Cause.CREDENTIALS_MISSING)
    shown = str(change.wording(bench.site)) + str(change.model_dump(mode="json"))
    assert "very-secret" not in shown
    assert "AKIAEXAMPLE" not in shown


@pytest.mark.parametrize(
    ("job", "allowed", "why"),
    [
        ({"environment": KEYS, "job_role_arn": None}, "true", "no credentials at all"),
        ({"environment": {}}, "true", "in the image"),
        ({"environment": KEYS}, "false", "leave"),
    ],
)
def test_static_keys_stay_where_taking_them_out_would_not_help(
    tmp_path: Path, job: dict[str, Any], allowed: str, why: str
) -> None:
    """No role behind them, not in the definition, or no leave."""
    bench = Bench(tmp_path, failed(**job), **tables(definition={"unset_static_keys": allowed == "true"}))
    with pytest.raises(Refused, match=why):
        bench.plan("unset_static_keys", Cause.CREDENTIALS_MISSING)


def test_a_job_without_a_role_gets_the_declared_one(tmp_path: Path) -> None:
    """A job with one keeps it."""
    declared = tables(definition={"job_roles": [ROLE]})
    bench = Bench(tmp_path, failed(job_role_arn=None), **declared)
    assert edits_of(bench, "set_job_role", Cause.CREDENTIALS_MISSING) == ContainerEdits(job_role_arn=ROLE)
    with pytest.raises(Refused, match="it has a role"):
        Bench(tmp_path, failed(), **declared).plan("set_job_role", Cause.CREDENTIALS_MISSING)
    with pytest.raises(Refused, match="declares no role"):
        Bench(tmp_path, failed(job_role_arn=None)).plan("set_job_role", Cause.CREDENTIALS_MISSING)


def test_a_fargate_job_moves_to_the_architecture_of_its_image(tmp_path: Path) -> None:
    """The declared one; on EC2 that is a matter of the queue."""
    declared = tables(definition={"architectures": ["X86_64", "ARM64"]})
    bench = Bench(tmp_path, failed(platform=Platform.FARGATE), **declared)
    assert edits_of(bench, "set_platform", Cause.ARCH_MISMATCH) == ContainerEdits(cpu_architecture="ARM64")
    with pytest.raises(Refused, match="queue"):
        Bench(tmp_path, failed(), **declared).plan("set_platform", Cause.ARCH_MISMATCH)


LOGS = tables(logs={"groups": ["/optimo/nightly"], "create_group": True, "fix_options": True, "retention_days": 7})
OPTIONS = {"awslogs-group": "/optimo/nightly", "awslogs-region": "us-east-1"}


def test_a_missing_log_group_is_created_and_taken_back_while_it_is_unused(tmp_path: Path) -> None:
    """With retention and the incident's tag; once it holds a stream it stays."""
    bench = Bench(tmp_path, failed(log_options=OPTIONS), **LOGS)
    change = bench.plan("create_log_group", Cause.LOGS_CONFIG)
    with pytest.raises(ChangeFailed):
        change.verify(bench.site)
    change.apply(bench.site)
    change.verify(bench.site)
    groups = bench.account.log_groups
    assert groups.groups == {"/optimo/nightly": {"recloser:incident": "20260101-000000-abcd", "retention": "7"}}
    groups.used = {"/optimo/nightly"}
    change.revert(bench.site)
    assert groups.groups
    groups.used = set()
    change.revert(bench.site)
    assert not groups.groups


@pytest.mark.parametrize(
    ("options", "there", "why"),
    [
        ({"awslogs-group": "/other"}, (), "not one that the target declares"),
        ({**OPTIONS, "awslogs-region": "eu-west-1"}, (), "logs to eu-west-1"),
        (OPTIONS, ("/optimo/nightly",), "is there"),
    ],
)
def test_no_other_log_group_is_created(
    tmp_path: Path, options: dict[str, str], there: tuple[str, ...], why: str
) -> None:
    """Name and region are the definition's and the target's both."""
    bench = Bench(tmp_path, failed(log_options=options), **LOGS)
    bench.account.log_groups.groups = {group: {} for group in there}
    with pytest.raises(Refused, match=why):
        bench.plan("create_log_group", Cause.LOGS_CONFIG)


def test_log_options_that_cannot_work_become_the_declared_ones(tmp_path: Path) -> None:
    """Group and region only, and only to a group that is there."""
    bench = Bench(tmp_path, failed(log_options={"awslogs-group": "aws/reserved"}), **LOGS)
    with pytest.raises(Refused, match="is not there"):
        bench.plan("fix_log_options", Cause.LOGS_CONFIG)
    bench.account.log_groups.groups = {"/optimo/nightly": {}}
    assert edits_of(bench, "fix_log_options", Cause.LOGS_CONFIG) == ContainerEdits(log_options=OPTIONS)


def test_a_sibling_without_its_edit_is_found_out(tmp_path: Path) -> None:
    """Registered is not enough: it is read back."""
    bench = Bench(tmp_path, failed(), **tables(shared_memory={"max_mib": 1024}))
    change = bench.plan("set_shared_memory", Cause.SHM_TOO_SMALL)
    with pytest.raises(ChangeFailed, match="not there"):
        change.verify(bench.site)
    change.apply(bench.site)
    batch = bench.account.batch
    batch.definitions = {
        name: definition.model_copy(update={"shared_memory_mib": 64}) for name, definition in batch.definitions.items()
    }
    with pytest.raises(ChangeFailed, match="shared_memory_mib"):
        change.verify(bench.site)
