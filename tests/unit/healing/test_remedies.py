"""What is planned for a cause, what is refused and why, and that every change can be taken back."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from recloser.healing.errors import ChangeFailed, Refused
from recloser.values import AttemptRecord, Cause, JobDefinition, utc_now
from tests.unit.healing.bench import Bench
from tests.unit.healing.fakes import DEFINITION_ARN, REGISTRY, failed

OOM = {"container_reason": "OutOfMemoryError: Container killed due to memory usage", "exit_code": 137}
MISSING = "environment variable OPTIMO_TOKEN is not set"
DENIED = "cannot read s3://data/in/load.csv: (AccessDenied) when calling the GetObject operation: Access Denied"
UNPULLABLE = {"container_reason": "CannotPullContainerError: manifest unknown", "status_reason": "Task failed to start"}
PERMISSIONS = {"permissions": {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::data/in/*"], "settle_s": 0}}
IMAGE = {
    "image": {"repository": "optimo", "last_good": "1.4.1", "build": ["true", "{tag}"]},
    "guardrails": {"image": {"pin": True, "rebuild": True}},
}


def test_a_missing_variable_is_set_from_the_catalogue(tmp_path: Path) -> None:
    """Name and source are shown; the value reaches the submission and nothing else."""
    catalogue = {"OPTIMO_TOKEN": {"value": "s3cr3t-value", "why": "given by the owner"}}
    bench = Bench(tmp_path, failed(MISSING), catalogue=catalogue)
    change = bench.plan("set_environment")
    spec = change.amend(bench.spec, bench.site)
    assert spec.environment == {"OPTIMO_TOKEN": SecretStr("s3cr3t-value")}
    shown = str(change.wording(bench.site)) + str(change.model_dump(mode="json")) + str(spec)
    assert "given by the owner" in shown
    assert "s3cr3t-value" not in shown


def test_a_value_may_come_from_the_environment_of_recloser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way for secrets: by reference, refused when the reference leads nowhere."""
    bench = Bench(tmp_path, failed(MISSING), catalogue={"OPTIMO_TOKEN": {"from_env": "TEAM_TOKEN"}})
    with pytest.raises(Refused, match="TEAM_TOKEN"):
        bench.plan("set_environment")
    monkeypatch.setenv("TEAM_TOKEN", "from-outside")
    assert bench.plan("set_environment").amend(bench.spec, bench.site).environment["OPTIMO_TOKEN"].get_secret_value()


@pytest.mark.parametrize("line", [MISSING, "environment variable AWS_BATCH_JOB_ID is not set"])
def test_an_undeclared_variable_is_never_invented(tmp_path: Path, line: str) -> None:
    """Not in the catalogue, or the platform's own: no value."""
    with pytest.raises(Refused):
        Bench(tmp_path, failed(line)).plan("set_environment")


@pytest.mark.parametrize(("before", "after"), [(256, 512), (600, 1000)])
def test_memory_grows_by_the_factor_and_stops_at_the_limit(tmp_path: Path, before: int, after: int) -> None:
    """Twice the size, clamped."""
    bench = Bench(tmp_path, failed(**OOM, memory_mib=before), guardrails={"memory": {"max_mib": 1000}})
    assert bench.plan("raise_memory").amend(bench.spec, bench.site).memory_mib == after


@pytest.mark.parametrize("guardrails", [{}, {"memory": {"max_mib": 256}}])
def test_memory_is_not_raised_beyond_what_is_declared(tmp_path: Path, guardrails: dict[str, Any]) -> None:
    """At the limit, or without one, a person must act."""
    with pytest.raises(Refused, match="guardrails.memory"):
        Bench(tmp_path, failed(**OOM, memory_mib=256), guardrails=guardrails).plan("raise_memory")


def test_a_grant_names_exactly_what_was_refused(tmp_path: Path) -> None:
    """One statement, the exact action, the exact object; put, found, and taken away again."""
    bench = Bench(tmp_path, failed(DENIED), guardrails=PERMISSIONS)
    change = bench.plan("grant_permission")
    change.apply(bench.site)
    (name, document), *others = bench.account.iam.policies.items()
    assert name.startswith("recloser-20260101-000000-abcd")
    assert '"arn:aws:s3:::data/in/load.csv"' in document
    assert "*" not in document
    assert not others
    with pytest.raises(ChangeFailed, match="explicit deny"):
        change.verify(bench.site)
    bench.account.iam.allowed.add(("s3:GetObject", "arn:aws:s3:::data/in/load.csv"))
    change.verify(bench.site)
    change.revert(bench.site)
    assert bench.account.iam.policies == {}


def test_a_grant_outside_the_boundary_is_refused(tmp_path: Path) -> None:
    """The whole grant, even when a part of it lies inside."""
    other = DENIED.replace("s3://data/in/", "s3://archive/in/")
    with pytest.raises(Refused, match=r"arn:aws:s3:::archive/in/load.csv lies outside"):
        Bench(tmp_path, failed(DENIED, other), guardrails=PERMISSIONS).plan("grant_permission")


def test_a_grant_that_cannot_help_is_not_made(tmp_path: Path) -> None:
    """The role may do it already: someone denied it on purpose elsewhere."""
    bench = Bench(tmp_path, failed(DENIED), guardrails=PERMISSIONS)
    bench.account.iam.allowed.add(("s3:GetObject", "arn:aws:s3:::data/in/load.csv"))
    with pytest.raises(Refused, match="explicit deny"):
        bench.plan("grant_permission")


def test_only_the_declared_role_is_ever_extended(tmp_path: Path) -> None:
    """A job that ran as something else is not this target's to fix."""
    evidence = failed(DENIED, job_role_arn="arn:aws:iam::000000000000:role/admin")
    with pytest.raises(Refused, match="optimo-job"):
        Bench(tmp_path, evidence, guardrails=PERMISSIONS).plan("grant_permission")


@pytest.mark.parametrize("before", [None, b""])
def test_a_damaged_input_is_restored_and_can_be_put_back(tmp_path: Path, before: bytes | None) -> None:
    """Missing or empty becomes the known-good file; reverting leaves what was there."""
    (tmp_path / "load.csv").write_text("hour,bus\n0,1\n")
    inputs = [{"uri": "s3://data/load.csv", "known_good": "load.csv", "restore": True}]
    sign = "NoSuchKey" if before is None else "EmptyDataError: No columns to parse from file"
    bench = Bench(tmp_path, failed(sign), inputs=inputs)
    if before is not None:
        bench.account.objects.bodies["s3://data/load.csv"] = before
    change = bench.plan("restore_input")
    change.apply(bench.site)
    change.verify(bench.site)
    assert bench.account.objects.bodies["s3://data/load.csv"].startswith(b"hour")
    change.revert(bench.site)
    assert bench.account.objects.bodies.get("s3://data/load.csv") == before


def test_an_input_is_only_restored_with_leave(tmp_path: Path) -> None:
    """`restore` is the owner's consent."""
    with pytest.raises(Refused, match="no leave"):
        Bench(tmp_path, failed("NoSuchKey"), inputs=[{"uri": "s3://data/load.csv"}]).plan("restore_input")


def test_the_last_good_image_runs_through_a_sibling(tmp_path: Path) -> None:
    """The definition others use stays as it is."""
    bench = Bench(tmp_path, failed(**UNPULLABLE, exit_code=None), **IMAGE)
    bench.account.images.tags = {"1.4.1"}
    change = bench.plan("pin_image")
    change.apply(bench.site)
    change.verify(bench.site)
    sibling = change.amend(bench.spec, bench.site).definition
    assert sibling == "optimo-recloser-20260101-000000-abcd-pin"
    assert bench.account.batch.definitions[sibling].image == f"{REGISTRY}/optimo:1.4.1"
    change.revert(bench.site)
    assert bench.account.batch.definitions == {}
    change.revert(bench.site)


def test_the_last_success_is_a_better_witness_than_the_declaration(tmp_path: Path) -> None:
    """What ran well most recently is tried first."""
    bench = Bench(tmp_path, failed(**UNPULLABLE, exit_code=None), **IMAGE)
    bench.account.images.tags = {"1.4.0", "1.4.1"}
    bench.last_success = AttemptRecord(
        number=1, job_name="n", definition="optimo:1", image=f"{REGISTRY}/optimo:1.4.0", submitted_at=utc_now()
    )
    assert "1.4.0" in bench.plan("pin_image").wording(bench.site).summary


def test_an_image_that_is_gone_too_is_not_pinned(tmp_path: Path) -> None:
    """A candidate must be in the registry."""
    with pytest.raises(Refused, match="no earlier good image"):
        Bench(tmp_path, failed(**UNPULLABLE, exit_code=None), **IMAGE).plan("pin_image")


def test_only_an_image_that_is_gone_is_rebuilt(tmp_path: Path) -> None:
    """The same sources make the same image: a file without its execute bit would be there again."""
    evidence = failed("sh: 1: /opt/run.sh: Permission denied", exit_code=126)
    with pytest.raises(Refused, match="mend them, then run"):
        Bench(tmp_path, evidence, **IMAGE).plan("rebuild_image")


def test_a_rebuild_gets_a_tag_of_its_own(tmp_path: Path) -> None:
    """No existing tag is overwritten; a build that publishes nothing is found out."""
    bench = Bench(tmp_path, failed(**UNPULLABLE, exit_code=None), **IMAGE)
    change = bench.plan("rebuild_image")
    change.apply(bench.site)
    with pytest.raises(ChangeFailed, match="registry has no optimo:1.4.2-recloser-"):
        change.verify(bench.site)
    bench.account.images.tags.add("1.4.2-recloser-20260101-000000-abcd")
    change.verify(bench.site)
    change.revert(bench.site)
    assert bench.account.images.tags == set()


def test_a_declared_project_builds_instead_of_a_command(tmp_path: Path) -> None:
    """The tag goes to CodeBuild as a variable; a failed build is the change's failure."""
    tables = IMAGE | {"image": {"repository": "optimo", "codebuild": "optimo-image"}}
    bench = Bench(tmp_path, failed(**UNPULLABLE, exit_code=None), **tables)
    change = bench.plan("rebuild_image")
    assert "optimo-image" in change.wording(bench.site).diff
    change.apply(bench.site)
    change.verify(bench.site)
    assert bench.account.builds.asked == ["optimo-image"]
    bench.account.builds.failure = "build x ended FAILED"
    with pytest.raises(ChangeFailed, match="optimo-image failed: build x ended FAILED"):
        change.apply(bench.site)


@pytest.mark.parametrize("command", [["false"], ["no-such-program-anywhere"]])
def test_a_failing_build_is_one_message(tmp_path: Path, command: list[str]) -> None:
    """The declared command's failure is the change's failure."""
    tables = IMAGE | {"image": {"repository": "optimo", "build": command}}
    change = Bench(tmp_path, failed(**UNPULLABLE, exit_code=None), **tables).plan("rebuild_image")
    bench = Bench(tmp_path, failed(**UNPULLABLE, exit_code=None), **tables)
    with pytest.raises(ChangeFailed, match=command[0]):
        change.apply(bench.site)


def test_a_transient_failure_is_retried_a_stated_number_of_times(tmp_path: Path) -> None:
    """Each pause lies below its growing ceiling; then it is enough."""
    evidence = failed(status_reason="Host EC2 (instance i-0) terminated.", exit_code=None)
    bench = Bench(tmp_path, evidence, guardrails={"retry": {"max": 2, "base_s": 4, "cap_s": 6}})
    for seen, ceiling_s in ((1, 4), (2, 6)):
        bench.seen = seen
        assert 0 <= bench.plan("retry_same").settle_s <= ceiling_s
    bench.seen = 3
    with pytest.raises(Refused, match="2 times"):
        bench.plan("retry_same")


def test_every_change_says_how_to_keep_and_how_to_undo_it(tmp_path: Path) -> None:
    """A person can always take over."""
    (tmp_path / "f.csv").write_text("x")
    inputs = [{"uri": "s3://data/f.csv", "known_good": "f.csv", "restore": True}]
    catalogue = {"OPTIMO_TOKEN": {"value": "v"}}
    guardrails = PERMISSIONS | {"memory": {"max_mib": 1000}} | IMAGE["guardrails"]
    cases = {
        "set_environment": failed(MISSING),
        "raise_memory": failed(**OOM),
        "grant_permission": failed(DENIED),
        "restore_input": failed("NoSuchKey"),
        "rebuild_image": failed(**UNPULLABLE, exit_code=None),
        "retry_same": failed(status_reason="Host EC2 (instance i-0) terminated."),
    }
    for remedy, evidence in cases.items():
        bench = Bench(
            tmp_path, evidence, inputs=inputs, catalogue=catalogue, image=IMAGE["image"], guardrails=guardrails
        )
        wording = bench.plan(remedy).wording(bench.site)
        assert wording.summary
        assert wording.permanent
        assert wording.undo
        assert (wording.diff == "") == (remedy == "retry_same")


def test_the_definition_the_job_used_is_what_a_sibling_copies(tmp_path: Path) -> None:
    """The exact revision that failed, not whatever is newest by now."""
    bench = Bench(tmp_path, failed(**UNPULLABLE, exit_code=None), **IMAGE)
    newest = JobDefinition(arn="arn:optimo:9", name="optimo", revision=9, image="x")
    bench.account.batch.definitions["optimo"] = newest
    assert bench.plan("rebuild_image").model_dump(mode="json")["sibling"]["definition_arn"] == DEFINITION_ARN


def test_a_missing_object_that_nobody_declared_is_not_restored(tmp_path: Path) -> None:
    """There is nothing to restore it from: a reason, not a crash."""
    with pytest.raises(Refused, match="declares no such input"):
        Bench(tmp_path, failed("NoSuchKey")).plan("restore_input", Cause.FILE_NOT_FOUND, input=("s3://else/x.csv",))
