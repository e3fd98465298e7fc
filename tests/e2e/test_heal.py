"""`recloser heal` on the example job, in the sandbox: jobs that really run, permissions that are really enforced."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from recloser.aws import BatchGateway
from recloser.faults.models import Expectation, ForgetImage
from recloser.healing.permissions import operator_policy
from recloser.store import Store
from recloser.target import load_target
from recloser.values import Cause, ChangeState, FixMode, Verdict
from tests.e2e.conftest import EXAMPLE, event_queue, report_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from recloser.values import JobSnapshot
    from tests.e2e.conftest import Optimo

pytestmark = pytest.mark.sandbox

DONE, TAKEN_BACK = ChangeState.VERIFIED, ChangeState.REVERTED

HEALED = {
    "missing-environment": ["set_environment"],
    "s3-read-denied": ["grant_permission"],
    "s3-write-denied": ["grant_permission"],
    "table-denied": ["grant_permission"],
    "log-group-missing": ["create_log_group"],
    "role-untrusted": ["fix_trust"],
    "static-keys": ["unset_static_keys"],
    "small-memory": ["raise_memory"],
    "host-loss": ["retry_same"],
    "image-unknown": ["pin_image"],
    "image-forgotten": ["pin_image"],
    "input-missing": ["restore_input"],
    "input-empty": ["restore_input"],
}
LOCKED_OUT = {
    "bad-number": Cause.APP_ERROR,
    "code-defect": Cause.APP_ERROR,
    "data-cell": Cause.APP_ERROR,
    "data-defect": Cause.APP_ERROR,
    "explicit-deny": Cause.S3_PERMISSION,
    "infeasible": Cause.APP_ERROR,
    "no-outputs": Cause.APP_ERROR,
    "permission-outside": Cause.S3_PERMISSION,
    "time-limit": Cause.APP_ERROR,
}


def test_every_declared_fault_is_tried_here() -> None:
    """The tables above and the example's faults.toml say the same."""
    from recloser.faults import load_faults  # noqa: PLC0415

    declared = {fault.name: str(fault.expect) for fault in load_faults(load_target(EXAMPLE))}
    assert declared == dict.fromkeys(HEALED, "healed") | dict.fromkeys(LOCKED_OUT, "locked-out")


def test_a_healthy_job_needs_one_attempt_and_no_change(optimo: Optimo) -> None:
    """Submitted, watched, outputs checked; nothing else in the account has moved."""
    before = optimo.account()
    run = optimo.heal()
    assert (run.exit_code, run.incident.verdict) == (0, Verdict.HEALTHY)
    assert len(run.incident.attempts) == 1
    assert all(check.ok for check in run.incident.attempts[0].outputs)
    assert optimo.account() == before


@pytest.mark.parametrize("fault", HEALED)
def test_a_single_fault_is_healed_by_one_right_change(optimo: Optimo, fault: str) -> None:
    """Two attempts, one change, verified."""
    optimo.inject(fault)
    run = optimo.heal()
    assert (run.exit_code, run.incident.verdict) == (0, Verdict.HEALED)
    assert run.remedies == [(remedy, DONE) for remedy in HEALED[fault]]
    assert len(run.incident.attempts) == 2


def test_three_faults_at_once_are_healed_in_four_attempts(optimo: Optimo) -> None:
    """The main job: one right change an attempt, and everything written down."""
    optimo.inject("missing-environment", "s3-read-denied", "small-memory")
    run = optimo.heal()
    assert (run.exit_code, run.incident.verdict) == (0, Verdict.HEALED)
    assert run.remedies == [("set_environment", DONE), ("grant_permission", DONE), ("raise_memory", DONE)]
    assert len(run.incident.attempts) == 4
    metrics = run.incident.metrics
    assert metrics is not None
    assert (metrics.changes_applied, metrics.changes_reverted, metrics.manual_interventions) == (3, 0, 0)
    assert metrics.time_to_detect_s is not None
    assert metrics.time_to_recover_s is not None
    markdown, document = report_of(optimo.home, run.incident)
    assert document == run.incident.model_dump(mode="json")
    assert "OPTIMO_OUTPUT_DIR" in markdown
    with Store.open(f"sqlite:///{optimo.home / 'recloser.db'}") as store:
        assert store.incident(run.incident.incident_id) == run.incident


def test_the_patch_makes_the_fix_permanent(optimo: Optimo) -> None:
    """Its owner registers the definition and puts the policy as they lie beside the report: the job is healthy."""
    optimo.inject("missing-environment", "s3-read-denied", "small-memory")
    run = optimo.heal("--minimise")
    assert run.incident.verdict is Verdict.HEALED
    assert {change.state for change in run.incident.changes} == {DONE}
    folder = optimo.home / "incidents" / run.incident.incident_id / "patch"
    definition, policy = (folder / "job-definition.json").read_text(), folder / "policy-1-optimo-job.json"
    batch, iam = optimo.sandbox.client("batch"), optimo.sandbox.client("iam")
    known = batch.describe_job_definitions(jobDefinitionName="optimo", status="ACTIVE")["jobDefinitions"]
    latest = max(known, key=lambda one: one["revision"])
    values = {pair["name"]: pair["value"] for pair in latest["containerProperties"]["environment"]}
    catalogue = load_target(optimo.folder).catalogue
    for name, entry in catalogue.items():
        values.setdefault(name, entry.value.get_secret_value() if entry.value else "")
    for name, value in values.items():
        assert value not in definition or name == value
        definition = definition.replace(f"${{{name}}}", value)
    batch.register_job_definition(**json.loads(definition))
    iam.put_role_policy(RoleName="optimo-job", PolicyName="owner", PolicyDocument=policy.read_text())
    iam.delete_role_policy(RoleName="optimo-job", PolicyName=f"recloser-{run.incident.incident_id}-2")
    assert "aws_batch_job_definition" in (folder / "main.tf").read_text()
    again = optimo.heal()
    iam.delete_role_policy(RoleName="optimo-job", PolicyName="owner")
    assert (again.incident.verdict, again.incident.changes) == (Verdict.HEALTHY, ())


def test_a_grant_names_the_objects_of_the_error_and_nothing_else(optimo: Optimo) -> None:
    """Four exact objects, one exact action, on the job's own role, in a policy named after the incident."""
    optimo.inject("s3-read-denied")
    run = optimo.heal()
    policies = optimo.account()["policies"]
    (granted,) = [document for name, document in policies.items() if name.startswith("recloser-")]
    (statement,) = granted["Statement"]
    assert statement["Action"] == "s3:GetObject"
    names = ("buses", "branches", "generators", "load")
    assert sorted(statement["Resource"]) == sorted(
        f"arn:aws:s3:::optimo-data/inputs/case14/{name}.csv" for name in names
    )
    assert f"recloser-{run.incident.incident_id}-1" in policies


@pytest.mark.parametrize("fault", LOCKED_OUT)
def test_what_no_safe_change_can_cure_is_locked_out_at_once(optimo: Optimo, fault: str) -> None:
    """One attempt, the cause named, nothing in the account changed."""
    optimo.inject(fault)
    before = optimo.account()
    run = optimo.heal()
    assert (run.exit_code, run.incident.verdict) == (1, Verdict.LOCKED_OUT)
    assert len(run.incident.attempts) == 1
    diagnosis = run.incident.attempts[0].diagnosis
    assert diagnosis is not None
    assert diagnosis.cause is LOCKED_OUT[fault]
    assert diagnosis.evidence
    assert run.incident.reason
    assert optimo.account() == before


def test_memory_beyond_the_declared_limit_is_locked_out(optimo: Optimo) -> None:
    """The size grows to the limit, then the override is dropped and a person is told."""
    optimo.inject("small-memory")
    optimo.declare("max_mib = 2048", "max_mib = 300")
    run = optimo.heal()
    assert run.incident.verdict is Verdict.LOCKED_OUT
    assert [attempt.memory_mib for attempt in run.incident.attempts] == [256, 300]
    assert run.remedies == [("raise_memory", TAKEN_BACK)]
    assert "max_mib" in run.incident.reason


def test_a_fix_that_does_not_help_is_reverted_and_the_next_one_tried(optimo: Optimo) -> None:
    """The last good image has gone as well: its sibling definition is taken back, and a build heals the job."""
    optimo.inject("image-forgotten")
    optimo.break_with(ForgetImage(name="older", about="", expect=Expectation.HEALED, kind="forget_image", tag="1.4.1"))
    run = optimo.heal()
    assert (run.exit_code, run.incident.verdict) == (0, Verdict.HEALED)
    assert run.remedies == [("pin_image", TAKEN_BACK), ("rebuild_image", DONE)]
    siblings = [arn for arn in optimo.account()["definitions"] if run.incident.incident_id in arn]
    assert [arn.rsplit("/", 1)[-1].split(":")[0].rsplit("-", 1)[-1] for arn in siblings] == ["rebuild"]


def test_the_iterations_are_a_limit(optimo: Optimo) -> None:
    """Two of three faults cleared, the third only proposed."""
    optimo.inject("missing-environment", "s3-read-denied", "small-memory")
    run = optimo.heal("--iterations", "2")
    assert (run.exit_code, run.incident.verdict) == (1, Verdict.EXHAUSTED)
    assert run.remedies == [("set_environment", DONE), ("grant_permission", ChangeState.DECLINED)]


def test_report_only_changes_nothing(optimo: Optimo) -> None:
    """The cause and the exact diff are told; the account is as it was."""
    optimo.inject("s3-read-denied")
    before = optimo.account()
    run = optimo.heal("--fix-mode", "report-only")
    assert (run.exit_code, run.incident.verdict) == (1, Verdict.REPORTED)
    assert run.remedies == [("grant_permission", ChangeState.DECLINED)]
    assert "s3:GetObject" in run.incident.changes[0].diff
    assert optimo.account() == before


def answers(*words: str | dict[str, str]) -> threading.Thread:
    """Answer the pauses of the newest flow run, as a person does in the Prefect UI: by a word, or by a whole form."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.client.schemas.filters import FlowRunFilter  # noqa: PLC0415
    from prefect.flow_runs import resume_flow_run  # noqa: PLC0415

    paused = FlowRunFilter.model_validate({"state": {"type": {"any_": ["PAUSED"]}}})

    def answer() -> None:
        with get_client(sync_client=True) as client:
            for word in words:
                while not (runs := client.read_flow_runs(flow_run_filter=paused)):
                    ended.wait(0.1)
                resume_flow_run(runs[0].id, run_input=word if isinstance(word, dict) else {"answer": word})

    ended = threading.Event()
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    return thread


@pytest.fixture
def with_ui(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person can answer: there is a Prefect server whose UI shows the paused run."""
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415

    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))


@pytest.mark.usefixtures("with_ui")
def test_manual_applies_what_a_person_approves(optimo: Optimo) -> None:
    """The flow run pauses, the form is answered, the change is made, the answer is counted."""
    optimo.inject("missing-environment")
    person = answers("apply")
    run = optimo.heal("--fix-mode", "manual")
    person.join()
    assert (run.exit_code, run.incident.fix_mode) == (0, FixMode.MANUAL)
    assert run.remedies == [("set_environment", DONE)]
    assert run.incident.metrics is not None
    assert run.incident.metrics.manual_interventions == 1


@pytest.mark.usefixtures("with_ui")
def test_manual_lets_a_person_approve_what_lies_outside_the_guardrails(optimo: Optimo) -> None:
    """A yes without a reason is asked again; who and why are kept; the grant names exactly what was refused."""
    optimo.inject("permission-outside")
    person = answers("apply", {"answer": "apply", "approved_by": "alice", "why": "the archive is `ours`"})
    run = optimo.heal("--fix-mode", "manual", "--iterations", "2")
    person.join()
    assert run.exit_code == 0, run.incident.reason
    assert run.remedies == [("grant_permission", DONE)]
    assert "approved by alice: the archive is `ours`" in run.incident.changes[0].note
    (granted,) = [document for name, document in optimo.account()["policies"].items() if name.startswith("recloser-")]
    assert all(arn.startswith("arn:aws:s3:::optimo-archive/inputs/") for arn in granted["Statement"][0]["Resource"])
    assert "arn:aws:s3:::*" not in str(granted)


@pytest.mark.usefixtures("with_ui")
def test_manual_leaves_what_a_person_declines(optimo: Optimo) -> None:
    """`skip` tries the next remedy, `stop` ends it; neither touches the account."""
    optimo.inject("image-unknown")
    before = optimo.account()
    person = answers("skip", "stop")
    run = optimo.heal("--fix-mode", "manual")
    person.join()
    assert (run.exit_code, run.incident.verdict) == (1, Verdict.LOCKED_OUT)
    assert run.remedies == [("pin_image", ChangeState.DECLINED), ("rebuild_image", ChangeState.DECLINED)]
    assert optimo.account() == before


def test_a_job_that_a_person_stopped_is_left_stopped(optimo: Optimo) -> None:
    """A stop is final, whatever the mode."""
    optimo.declare('OPTIMO_MIP_GAP = "0.01"', 'OPTIMO_MIP_GAP = "0.0"')
    batch: Any = optimo.sandbox.client("batch")
    stopped = threading.Event()

    def stop() -> None:
        while not stopped.is_set():
            for job in batch.list_jobs(jobQueue="optimo", jobStatus="RUNNING")["jobSummaryList"]:
                batch.terminate_job(jobId=job["jobId"], reason="Terminated by alice")
                stopped.set()

    person = threading.Thread(target=stop, daemon=True)
    person.start()
    run = optimo.heal()
    stopped.set()
    person.join()
    assert run.incident.verdict is Verdict.LOCKED_OUT
    assert run.incident.attempts[0].diagnosis is not None
    assert run.incident.attempts[0].diagnosis.cause is Cause.USER_CANCELLED
    assert len(run.incident.attempts) == 1


def test_fresh_test_data_is_staged_used_and_removed(optimo: Optimo) -> None:
    """The job reads generated inputs below a prefix of the incident's own, which is gone afterwards."""
    before = optimo.account()
    run = optimo.heal("--use-test-data")
    assert (run.exit_code, run.incident.verdict) == (0, Verdict.HEALTHY)
    assert run.remedies == [("stage_test_data", TAKEN_BACK)]
    assert f"test-data/{run.incident.incident_id}/load.csv" in optimo.log(run.incident.attempts[0].job_id or "")
    assert optimo.account() == before


@pytest.fixture
def told(optimo: Optimo) -> Iterator[None]:
    """The events of Batch reach the healer; they alone can tell of an end that the first look did not find."""
    iam = optimo.sandbox.client("iam")
    with event_queue(optimo.sandbox, "optimo-events") as url:
        optimo.declare("[watch]", f'[watch]\nevent_queue = "{url}"\nsweep_s = 600')
        policy = operator_policy(load_target(optimo.folder))
        iam.put_user_policy(UserName="recloser", PolicyName="events", PolicyDocument=policy)
        yield
        iam.delete_user_policy(UserName="recloser", PolicyName="events")


@pytest.mark.usefixtures("told")
def test_a_job_is_watched_by_events(optimo: Optimo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batch is asked of a job when its watch begins and when an event tells of its end, however long it runs."""
    unended: Counter[str] = Counter()
    describe = BatchGateway.describe

    def noted(batch: BatchGateway, job_ids: Iterable[str]) -> dict[str, JobSnapshot]:
        known = describe(batch, job_ids)
        unended.update(job_id for job_id, job in known.items() if not job.state.is_terminal)
        return known

    monkeypatch.setattr(BatchGateway, "describe", noted)
    optimo.inject("missing-environment")
    run = optimo.heal()
    assert (run.exit_code, len(run.incident.attempts)) == (0, 2)
    assert all(count == 1 for count in unended.values()), unended


def test_a_path_with_shell_metacharacters_is_only_a_path(optimo: Optimo, tmp_path: Path) -> None:
    """The target's folder, its commands and its files are handed on as they are; no shell ever reads them."""
    awkward = tmp_path / "op t$(touch pwned);`touch pwned`&|'\"<i>"
    optimo.folder = optimo.folder.rename(awkward)
    optimo.inject("input-missing")
    run = optimo.heal("--use-test-data")
    assert run.exit_code == 0
    assert not list(tmp_path.rglob("pwned"))


SECRET = "sup3r-s3cret-passw0rd"


def test_a_secret_is_shown_nowhere(optimo: Optimo, capfd: pytest.CaptureFixture[str]) -> None:
    """Not in the terminal, the report, the artifacts, or the store, though the job prints it and crashes with it."""
    code = (
        "import os,sys; p=os.environ['OPTIMO_DB_PASSWORD']; print('connecting with', p, flush=True);"
        "print('{\"password\": \"' + p + '\"} postgresql://optimo:' + p + '@db/x', flush=True); raise ValueError(p)"
    )
    batch: Any = optimo.sandbox.client("batch")
    healthy = batch.describe_job_definitions(jobDefinitionName="optimo", status="ACTIVE")["jobDefinitions"][0]
    container = healthy["containerProperties"]
    container["environment"].append({"name": "OPTIMO_DB_PASSWORD", "value": SECRET})
    container["command"] = ["python", "-c", code]
    batch.register_job_definition(jobDefinitionName="optimo", type="container", containerProperties=container)

    run = optimo.heal("--verbose")
    assert run.incident.verdict is Verdict.LOCKED_OUT
    terminal = capfd.readouterr()
    shown = [run.stdout, run.stderr, terminal.out, terminal.err, _artifacts()]
    kept = [file.read_bytes().decode("latin-1") for file in optimo.home.rglob("*") if file.is_file()]
    assert len(kept) >= 3
    assert any("connecting with" in text for text in kept)
    for text in (*shown, *kept):
        assert SECRET not in text


def _artifacts() -> str:
    from prefect.client.orchestration import get_client  # noqa: PLC0415

    with get_client(sync_client=True) as client:
        found = client.read_artifacts(limit=200)
    assert {artifact.key for artifact in found} >= {"incident", "attempts", "changes", "heal-progress", "remedy-record"}
    return "".join(str(artifact.data) for artifact in found)
