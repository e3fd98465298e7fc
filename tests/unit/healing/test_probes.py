"""Probes: what the account says to what a text suggests, and what could not be asked in plain words."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recloser.diagnosis import catalogue, questions
from recloser.healing.diagnosis import THRESHOLD, diagnose
from recloser.healing.errors import Proposed
from recloser.healing.probes import PROBES
from recloser.values import (
    Capacity,
    Cause,
    ComputeEnvironment,
    Diagnosis,
    Evidence,
    JobAttempt,
    JobQueue,
    Platform,
    utc_now,
)
from tests.unit.healing.bench import Bench
from tests.unit.healing.fakes import REGISTRY, ROLE_ARN, FakeAccount, a_site, a_target, failed

GROUP = {"awslogs-group": "/shop/jobs"}
EXECUTION = ROLE_ARN.replace("optimo-job", "starter")
NO_GROUP = "failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist."
NO_WAY = (
    "failed to validate logger args: The task cannot find the Amazon CloudWatch log group defined in the task "
    "definition. There is a connection issue between the task and Amazon CloudWatch."
)
HEAD_403 = "An error occurred (403) when calling the HeadObject operation: Forbidden"
GET_DENIED = "cannot read s3://data/in.csv: An error occurred (AccessDenied) when calling the GetObject operation"
TRUST = "ECS was unable to assume the role '{}' that was provided for this task."
TRUSTED = '{"Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}'


def diagnosed(evidence: Evidence, account: FakeAccount, **tables: object) -> Diagnosis:
    """Diagnose evidence in a fake account."""
    return diagnose(a_site(a_target(Path(), **tables), account), evidence)


def a_queue(kind: str = "EC2", **more: str) -> JobQueue:
    """A queue with one compute environment."""
    environment = {"name": "ce", "state": "ENABLED", "status": "VALID", "kind": kind} | more
    return JobQueue(
        name="optimo", state="ENABLED", status="VALID", environments=(ComputeEnvironment.model_validate(environment),)
    )


def probe_lines(diagnosis: Diagnosis) -> str:
    """What the probes said, in one text."""
    return "\n".join(line.text for line in diagnosis.evidence if line.source == "probe")


def test_everything_that_would_settle_a_diagnosis_is_a_question_in_plain_words() -> None:
    """No signature names a call that a report could not explain, and no question a probe that does not exist."""
    asked = {call for signature in catalogue() for call in signature.confirmed_by}
    assert asked == set(questions())
    assert {name for question in questions().values() for name in question.answered_by} <= set(PROBES)


def test_every_redirect_leads_to_a_signature() -> None:
    """What a probe shows instead is concluded by a signature of the catalogue."""
    sources = [path.read_text() for path in Path(__file__).parents[3].glob("recloser/healing/probes/*.py")]
    named = {part.split('"')[0] for text in sources for part in text.split('instead="')[1:]}
    assert named
    assert named <= {signature.id for signature in catalogue()}


def test_what_no_gateway_can_ask_is_named_with_the_call_that_tells() -> None:
    """Filled in from the job and quoted, because job names are the user's and commands are pasted into shells."""
    found = diagnosed(failed(status_reason="Terminated by alice", is_terminated=True, job_id="a b"), FakeAccount())
    assert any("who stopped the job; ask with `aws cloudtrail lookup-events" in gap for gap in found.not_checked)
    found = diagnosed(failed(status_reason="Dependent Job failed", job_id="a; rm b"), FakeAccount())
    assert any("--jobs 'a; rm b'" in gap for gap in found.not_checked)


def test_an_absent_log_group_is_confirmed() -> None:
    """The account does not have it: create it."""
    found = diagnosed(failed(container_reason=NO_GROUP, log_options=GROUP), FakeAccount())
    assert (found.cause, found.confidence) == (Cause.LOGS_CONFIG, 0.97)
    assert "there is no log group /shop/jobs" in probe_lines(found)


def test_a_log_group_that_is_there_makes_it_the_network() -> None:
    """One text, two causes: the group decides."""
    account = FakeAccount()
    evidence = failed(container_reason=NO_WAY, log_options=GROUP)
    absent = diagnosed(evidence, account)
    account.log_groups.create("/shop/jobs", retention_days=1, tags={})
    assert (absent.cause, absent.remedies[0]) == (Cause.LOGS_CONFIG, "create_log_group")
    assert any(item.cause is Cause.NETWORK_CONNECTIVITY and item.refuted for item in absent.ruled_out)
    assert diagnosed(evidence, account).cause is Cause.NETWORK_CONNECTIVITY


def test_a_log_group_elsewhere_is_a_gap() -> None:
    """Another region is not looked into, and the diagnosis is believed less."""
    evidence = failed(container_reason=NO_GROUP, log_options={**GROUP, "awslogs-region": "eu-west-1"})
    found = diagnosed(evidence, FakeAccount())
    assert any("logs to region eu-west-1" in gap for gap in found.not_checked)
    assert THRESHOLD <= found.confidence < 0.9


def test_a_403_of_a_missing_object_is_a_missing_file() -> None:
    """Who may not list the bucket is told 403 of a key that is not there; whoever heals knows better."""
    account = FakeAccount()
    inputs = [{"uri": "s3://data/in.csv"}]
    account.iam.allowed.add(("s3:GetObject", "arn:aws:s3:::data/in.csv"))
    for line in (HEAD_403, GET_DENIED):
        found = diagnosed(failed(line), account, inputs=inputs)
        assert (found.cause, found.subject) == (Cause.FILE_NOT_FOUND, "s3://data/in.csv")
        assert any(item.cause is Cause.S3_PERMISSION and item.refuted for item in found.ruled_out)


def test_a_403_of_an_object_that_is_there_is_a_refusal() -> None:
    """It exists, so the right is what is missing."""
    account = FakeAccount()
    account.objects.bodies["s3://data/in.csv"] = b"1"
    found = diagnosed(failed(GET_DENIED), account)
    assert (found.cause, found.confidence) == (Cause.S3_PERMISSION, 0.97)
    assert "s3://data/in.csv: it exists" in probe_lines(found)


def test_static_keys_that_shadow_the_role_are_named_instead_of_a_grant() -> None:
    """The job role was never asked, so a grant to it would be a needless change."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"}
    found = diagnosed(failed(GET_DENIED, environment=keys), FakeAccount())
    assert (found.cause, found.remedies) == (Cause.CREDENTIALS_MISSING, ("unset_static_keys",))
    assert "AKIAEXAMPLE" not in found.model_dump_json()


def test_a_user_in_the_refusal_is_a_static_key_in_the_image() -> None:
    """A job role is assumed; a user's name means that keys were found before it."""
    line = (
        "User: arn:aws:iam::000000000000:user/ci is not authorized to perform: "
        "s3:GetObject on resource: arn:aws:s3:::data/in.csv"
    )
    assert diagnosed(failed(line), FakeAccount()).cause is Cause.CREDENTIALS_MISSING


def test_the_role_that_signed_is_the_one_that_is_simulated() -> None:
    """The host's own role, where the text names it and the target declares it."""
    account = FakeAccount()
    line = (
        "User: arn:aws:sts::000000000000:assumed-role/hosts/i-1 is not authorized to perform: "
        "s3:GetObject on resource: arn:aws:s3:::data/in.csv"
    )
    job = {"queue": "q", "definition": "d", "role": "optimo-job", "instance_role": "hosts"}
    found = diagnosed(failed(line), account, job=job)
    assert "the policies of hosts do not allow s3:GetObject" in probe_lines(found)
    foreign = diagnosed(failed(line), account)
    assert any("hosts, which signed the call and is no role of this target" in gap for gap in foreign.not_checked)


@pytest.mark.parametrize(("allowed", "confirmed"), [(False, True), (True, False)])
def test_rights_before_the_start_are_those_of_the_execution_role(*, allowed: bool, confirmed: bool) -> None:
    """Secrets are read by whoever starts the container, not by the job."""
    account, secret = FakeAccount(), "arn:aws:secretsmanager:us-east-1:000000000000:secret:db"
    if allowed:
        account.iam.allowed.add(("secretsmanager:GetSecretValue", secret))
    reason = (
        "unable to retrieve secret from asm: AccessDeniedException: User: x is not authorized to perform: "
        f"secretsmanager:GetSecretValue on resource: {secret}"
    )
    found = diagnosed(failed(container_reason=reason, execution_role_arn=EXECUTION), account)
    assert found.cause is Cause.SECRET_RESOLUTION
    assert ("simulated, the policies of starter do not allow" in probe_lines(found)) is confirmed


def test_an_action_that_takes_no_resource_is_simulated_without_one() -> None:
    """ECR's token is allowed on `*` or not at all; any other action is only asked about what the text names."""
    reason = (
        "unable to retrieve ecr registry auth: AccessDeniedException: User: x is not authorized to perform: "
        "ecr:{} on resource: *"
    )
    evidence = failed(container_reason=reason.format("GetAuthorizationToken"), execution_role_arn=EXECUTION)
    assert "do not allow ecr:GetAuthorizationToken on *" in probe_lines(diagnosed(evidence, FakeAccount()))
    evidence = failed(container_reason=reason.format("BatchGetImage"), execution_role_arn=EXECUTION)
    assert probe_lines(diagnosed(evidence, FakeAccount())) == ""


def test_what_the_account_confirms_does_not_overrule_what_the_log_survived() -> None:
    """The role may really lack the right, and the program went on without it."""
    lines = (f"WARNING {GET_DENIED}, ignoring the cache", "step 2", "step 3", "step 4")
    found = diagnosed(failed(*lines), FakeAccount())
    assert (found.cause, found.remedies) == (Cause.UNKNOWN, ())


def test_trust_is_read_before_it_is_blamed() -> None:
    """Absent: confirmed. There without a condition: refuted. With one, as after our own repair: neither."""
    account, evidence = FakeAccount(), failed(container_reason=TRUST.format(ROLE_ARN))
    assert diagnosed(evidence, account).confidence == 0.97  # there is no such role
    account.iam.trust["optimo-job"] = '{"Statement": []}'
    assert "does not name ecs-tasks" in probe_lines(diagnosed(evidence, account))
    account.iam.trust["optimo-job"] = TRUSTED
    assert diagnosed(evidence, account).cause is Cause.UNKNOWN
    account.iam.trust["optimo-job"] = TRUSTED.replace('"Effect"', '"Condition": {}, "Effect"')
    assert diagnosed(evidence, account).cause is Cause.IAM_ROLE_TRUST


def test_the_submitters_own_rights_are_simulated() -> None:
    """Whoever submits is who heals."""
    reason = (
        "An error occurred (AccessDeniedException) when calling the SubmitJob operation: User: me is not authorized to "
        "perform: batch:SubmitJob on resource: arn:aws:batch:us-east-1:000000000000:job-queue/optimo"
    )
    found = diagnosed(failed(status_reason=reason, exit_code=None), FakeAccount())
    assert (found.cause, found.confidence) == (Cause.SUBMIT_PERMISSION, 0.97)
    assert "policies of recloser do not allow batch:SubmitJob" in probe_lines(found)


def test_a_definition_is_looked_for_before_it_is_called_missing() -> None:
    """The message of the gateway says which region was asked."""
    reason = "JobDefinition optimo:9 not found"
    found = diagnosed(failed(status_reason=reason, exit_code=None), FakeAccount())
    assert (found.cause, found.confidence) == (Cause.JOBDEF_NOT_FOUND, 0.97)
    assert "no job definition" in probe_lines(found)


def test_only_this_accounts_registry_is_asked() -> None:
    """Another account's repository of the same name says nothing of the image."""
    reason = "manifest for x:1 not found: manifest unknown: Requested image not found"
    ours = diagnosed(failed(container_reason=reason), FakeAccount())
    assert ours.confidence == 0.97
    other = REGISTRY.replace("000000000000", "111122223333")
    foreign = diagnosed(failed(container_reason=reason, image=f"{other}/optimo:1"), FakeAccount())
    assert foreign.cause is Cause.IMAGE_NOT_FOUND
    assert any(other in gap for gap in foreign.not_checked)


@pytest.mark.parametrize(
    ("host", "cause"),
    [
        (REGISTRY, Cause.NETWORK_CONNECTIVITY),
        (REGISTRY.replace("us-east-1", "us-easst-1"), Cause.IMAGE_NOT_FOUND),
        (f"{REGISTRY}mm", Cause.IMAGE_NOT_FOUND),
    ],
)
def test_a_host_that_does_not_resolve_is_taken_apart(host: str, cause: Cause) -> None:
    """A typo in the image's name is not a fault of the network, and the other way round."""
    reason = f"dial tcp: lookup {host}: no such host"
    assert diagnosed(failed(container_reason=reason, image=f"{host}/optimo:1"), FakeAccount()).cause is cause


@pytest.mark.parametrize(
    ("built", "cause", "confidence"),
    [(("amd64",), Cause.ARCH_MISMATCH, 0.97), (("amd64", "arm64"), Cause.ENTRYPOINT_OR_COMMAND, 0.97)],
)
def test_an_exec_format_error_is_told_by_the_manifest(built: tuple[str, ...], cause: Cause, confidence: float) -> None:
    """An image with the host's variant holds a file that is no executable."""
    account = FakeAccount()
    account.images.built_for["1.4.2"] = built
    evidence = failed("exec /run: exec format error", cpu_architecture="ARM64", platform=Platform.FARGATE)
    found = diagnosed(evidence, account)
    assert (found.cause, found.confidence) == (cause, confidence)


def test_quota_comes_before_capacity() -> None:
    """The remedies are opposite: ask for more, or wait."""
    account = FakeAccount()
    account.capacity.shown = a_queue("SPOT")
    evidence = failed(status_reason="CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", exit_code=None, vcpus=8)
    assert diagnosed(evidence, account).cause is Cause.RUNNABLE_CAPACITY
    account.capacity.launches = ("MaxSpotInstanceCountExceeded: Max spot instance count exceeded",)
    assert diagnosed(evidence, account).cause is Cause.RUNNABLE_QUOTA
    account.capacity.launches, account.capacity.quota = (), 4
    assert diagnosed(evidence, account).cause is Cause.RUNNABLE_QUOTA


def test_a_lost_host_says_whether_it_was_spot() -> None:
    """By the queue's compute environments; the instance itself is a question for a person."""
    account = FakeAccount()
    account.capacity.shown = a_queue("SPOT")
    found = diagnosed(failed(status_reason="Host EC2 (instance i-0abc) terminated.", exit_code=None), account)
    assert "ce of the queue runs on Spot" in probe_lines(found)
    assert any("aws ec2 describe-instances" in gap for gap in found.not_checked)


def test_an_environment_that_takes_no_jobs_is_confirmed() -> None:
    """Its state, its status and Batch's reason are shown."""
    account = FakeAccount()
    account.capacity.shown = a_queue(status="INVALID", reason="CLIENT_ERROR - not authorized")
    evidence = failed(status_reason="MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED", exit_code=None)
    found = diagnosed(evidence, account)
    assert found.cause is Cause.COMPUTE_ENV_INVALID
    assert "INVALID CLIENT_ERROR" in probe_lines(found)


def test_a_job_too_large_is_measured_against_its_queue() -> None:
    """What it asks for and what can be placed."""
    account = FakeAccount()
    account.capacity.queues["optimo"] = Capacity(max_vcpus=4)
    evidence = failed(status_reason="MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE", exit_code=None, vcpus=64)
    assert "asks for 64 vCPU, the queue can place 4" in probe_lines(diagnosed(evidence, account))


@pytest.mark.parametrize("ran_s", [60, 3])
def test_a_time_limit_is_compared_with_the_run(ran_s: int) -> None:
    """How long it ran of how long it might, and whether it was still at work."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    attempt = JobAttempt(
        number=1,
        status_reason="Job attempt duration exceeded timeout",
        started_at=start,
        stopped_at=start + timedelta(seconds=ran_s),
    )
    found = diagnosed(failed("step 9", timeout_s=60, attempts=(attempt,)), FakeAccount())
    assert found.cause is Cause.TIMEOUT
    assert f"it ran {ran_s} s of 60 s; its last line of log" in probe_lines(found)


@pytest.mark.parametrize(
    ("evidence", "cause", "said"),
    [
        (failed("InvalidAccessKeyId", environment={"AWS_ACCESS_KEY_ID": "x"}), Cause.CREDENTIALS_MISSING, "values not"),
        (failed("Unable to locate credentials", job_role_arn=None), Cause.CREDENTIALS_MISSING, "without a job role"),
        (failed("NoRegionError"), Cause.MISSING_ENV_VAR, "neither AWS_DEFAULT_REGION nor AWS_REGION"),
        (failed("RuntimeError: No CUDA GPUs are available"), Cause.GPU_CONFIG, "without a GPU"),
        (failed("out of shared memory"), Cause.SHM_TOO_SMALL, "/dev/shm has 64 MiB"),
        (failed("MemoryError"), Cause.OOM, "the container has 256 MiB, and its reason names no memory"),
        (
            failed("No space left on device", platform=Platform.FARGATE, ephemeral_gib=30),
            Cause.DISK_FULL,
            "30 GiB of scratch",
        ),
        (
            failed(
                status_reason="Fargate resource requirements (1.00 vCPU, 2500 MiB) not valid.",
                exit_code=None,
                vcpus=1,
                memory_mib=2500,
            ),
            Cause.FARGATE_RESOURCE_COMBO,
            "does not offer 1 vCPU with 2500 MiB",
        ),
        (
            failed('Could not connect to the endpoint URL: "https://batch.us-wst-2.amazonaws.com/"'),
            Cause.INVALID_REQUEST,
            "no region us-wst-2",
        ),
        (
            failed(
                container_reason="failed to create Cloudwatch log stream: MissingEndpoint: 'Endpoint' configuration",
                log_options={"awslogs-region": "nowhere"},
            ),
            Cause.LOGS_CONFIG,
            "there is no such region",
        ),
    ],
)
def test_what_batch_describes_is_shown_beside_the_text(evidence: Evidence, cause: Cause, said: str) -> None:
    """One sentence of what the container was given."""
    found = diagnosed(evidence, FakeAccount())
    assert found.cause is cause
    assert said in probe_lines(found)


@pytest.mark.parametrize(
    ("log", "peak_mib", "cause", "proven"),
    [
        ((), None, Cause.UNKNOWN, False),
        ((), 200.0, Cause.UNKNOWN, False),
        ((), 250.0, Cause.OOM, True),
        (("worker 3 was killed by signal 9",), 250.0, Cause.OOM, True),
        (("MemoryError", "going on without the cache"), 200.0, Cause.OOM, False),
        (("MemoryError", "going on without the cache"), 250.0, Cause.OOM, True),
    ],
)
def test_a_measured_peak_at_the_limit_is_proof(
    log: tuple[str, ...], peak_mib: float | None, cause: Cause, *, proven: bool, tmp_path: Path
) -> None:
    """It turns a mere word into a diagnosis and lets the size grow; a lower figure refutes nothing."""
    killed = failed(*log, exit_code=1 if log else 137, status_reason=None)
    ran = {"task_arn": "arn:aws:ecs:r:1:task/c/t", "started_at": utc_now(), "stopped_at": utc_now()}
    attempt = killed.job.last_attempt.model_copy(update=ran)
    evidence = killed.model_copy(update={"job": killed.job.model_copy(update={"attempts": (attempt,)})})
    bench = Bench(tmp_path, evidence, guardrails={"memory": {"max_mib": 1024}})
    bench.account.insights.peak_mib = peak_mib
    found = diagnose(bench.site, evidence)
    assert found.cause is cause
    assert ("peak_mib" in found.facts) is proven
    if cause is Cause.OOM:
        with nullcontext() if proven else pytest.raises(Proposed):
            bench.plan("raise_memory")
