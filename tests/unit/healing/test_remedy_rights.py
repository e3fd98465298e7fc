"""Rights and trust: the role that was refused, what the error named, inside the boundary, or a proposal."""

import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.healing.denials import Denial
from recloser.healing.errors import ChangeFailed, Proposed, Refused
from recloser.healing.remedies.permission import GrantPermission
from recloser.healing.remedies.trust import FixTrust
from recloser.target import NEVER_GRANTED
from recloser.values import Cause
from tests.unit.healing.bench import Bench
from tests.unit.healing.fakes import ROLE_ARN, failed

REPOSITORY = "arn:aws:ecr:us-east-1:000000000000:repository/optimo"
EXECUTION_ARN = "arn:aws:iam::000000000000:role/optimo-execution"
PULL = (
    "CannotPullContainerError: User: arn:aws:sts::000000000000:assumed-role/{role}/x is not authorized to perform: "
    f"ecr:BatchGetImage on resource: {REPOSITORY} because no identity-based policy allows the ecr:BatchGetImage action"
)
JOB = {"queue": "optimo", "definition": "optimo", "role": "optimo-job"}
ROLES = {"job": JOB | {"execution_role": "optimo-execution", "instance_role": "optimo-instance"}}
PULLS = {"actions": ["ecr:BatchGetImage"], "resources": [REPOSITORY]}


def guarded(**permissions: Any) -> dict[str, Any]:
    """A target with three roles and these boundaries."""
    return ROLES | {"guardrails": {"permissions": {"settle_s": 0} | permissions}}


@pytest.mark.parametrize(
    ("whose", "role", "execution"),
    [("execution", "optimo-execution", EXECUTION_ARN), ("instance", "optimo-instance", None)],
)
def test_a_refused_pull_is_granted_to_the_role_that_pulls(
    tmp_path: Path, whose: str, role: str, execution: str | None
) -> None:
    """The execution role, or on EC2 without one the instance's; never the job role."""
    evidence = failed(container_reason=PULL.format(role=role), execution_role_arn=execution, exit_code=None)
    bench = Bench(tmp_path, evidence, **guarded(**{whose: PULLS}))
    change = bench.plan("grant_permission", Cause.IMAGE_PULL_PERMISSION)
    change.apply(bench.site)
    assert bench.account.iam.granted_to == [role]
    (document,) = bench.account.iam.policies.values()
    (statement,) = json.loads(document)["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("ecr:BatchGetImage", [REPOSITORY])


def test_each_role_has_a_boundary_of_its_own(tmp_path: Path) -> None:
    """What the job role may be granted, the execution role may not; the change is left as a proposal."""
    evidence = failed(container_reason=PULL.format(role="optimo-execution"), execution_role_arn=EXECUTION_ARN)
    bench = Bench(tmp_path, evidence, **guarded(**PULLS))
    with pytest.raises(Proposed, match="outside") as proposed:
        bench.plan("grant_permission", Cause.IMAGE_PULL_PERMISSION)
    assert REPOSITORY in proposed.value.change.wording(bench.site).diff
    with pytest.raises(ChangeFailed):
        proposed.value.change.apply(bench.site)
    assert not bench.account.iam.policies


def test_a_call_signed_by_somebody_else_is_not_the_declared_role_s(tmp_path: Path) -> None:
    """The error names the signer; a grant to another role would not help, and nobody declared this one."""
    evidence = failed(container_reason=PULL.format(role="admin"), execution_role_arn=EXECUTION_ARN)
    with pytest.raises(Refused, match="signed by admin"):
        Bench(tmp_path, evidence, **guarded(execution=PULLS)).plan("grant_permission", Cause.IMAGE_PULL_PERMISSION)


def test_the_submitter_is_never_extended(tmp_path: Path) -> None:
    """It is Recloser itself: the statement is proposed, whatever the boundary says."""
    queue = "arn:aws:batch:us-east-1:000000000000:job-queue/optimo"
    who = "arn:aws:iam::000000000000:user/recloser"
    said = f"User: {who} is not authorized to perform: batch:SubmitJob on resource: {queue}"
    boundary = guarded(actions=["batch:SubmitJob"], resources=["*"])
    bench = Bench(tmp_path, failed(status_reason=said), **boundary)
    with pytest.raises(Proposed, match="never extends") as proposed:
        bench.plan("grant_permission", Cause.SUBMIT_PERMISSION)
    assert queue in proposed.value.change.wording(bench.site).diff


def test_a_stored_grant_is_judged_again_before_it_is_written(tmp_path: Path) -> None:
    """The boundary may have shrunk since, or the store been tampered with."""
    bench = Bench(tmp_path, failed(), **guarded(**PULLS))
    grant = GrantPermission(
        role="optimo-job",
        role_arn=ROLE_ARN,
        policy="recloser-x-1",
        grants=(Denial(action="iam:PassRole", resource=ROLE_ARN),),
        settle_s=0,
    )
    with pytest.raises(ChangeFailed, match="nothing was granted"):
        grant.apply(bench.site)
    assert not bench.account.iam.policies


WORDS = st.text(string.ascii_letters + string.digits + ":/*?$-_. '\"", max_size=20)
ACTION = st.one_of(
    st.sampled_from(
        [
            "s3:GetObject",
            "s3:PutObject",
            "iam:PassRole",
            "sts:AssumeRole",
            "kms:Decrypt",
            "s3:*",
            "*",
            "IAM:putrolepolicy",
        ]
    ),
    WORDS,
)
RESOURCE = st.one_of(
    st.sampled_from(
        ["arn:aws:s3:::data/in/a.csv", "arn:aws:s3:::data/*", "*", "arn:aws:iam::1:role/x", "arn:aws:s3:::other/in/b"]
    ),
    WORDS,
)
SIGNER = "arn:aws:sts::000000000000:assumed-role/optimo-job/x"
LINE = st.builds(
    f"{{}}User: {SIGNER} is not authorized to perform: {{}} on resource: {{}}{{}}".format,
    WORDS,
    ACTION,
    RESOURCE,
    WORDS,
)


@given(
    lines=st.lists(LINE, min_size=1, max_size=4),
    actions=st.lists(st.sampled_from(["s3:GetObject", "s3:PutObject", "dynamodb:PutItem"]), max_size=3),
    resources=st.lists(st.sampled_from(["*", "arn:aws:s3:::data/in/*", "arn:aws:s3:::*"]), max_size=2),
)
def test_no_error_text_and_no_boundary_yields_a_grant_outside(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], actions: list[str], resources: list[str]
) -> None:
    """Whatever a log says: declared actions, exact ARNs the log holds, no right over rights, one role."""
    boundary = guarded(actions=actions, resources=resources)
    bench = Bench(tmp_path_factory.getbasetemp(), failed(*lines), **boundary)
    try:
        change = bench.plan("grant_permission", Cause.S3_PERMISSION)
    except Refused:
        assert not bench.account.iam.policies
        return
    change.apply(bench.site)
    assert bench.account.iam.granted_to == ["optimo-job"]
    (document,) = bench.account.iam.policies.values()
    said = "\n".join(lines)
    for statement in json.loads(document)["Statement"]:
        assert statement["Effect"] == "Allow"
        assert statement["Action"] in actions
        assert not statement["Action"].lower().startswith(NEVER_GRANTED)
        for resource in statement["Resource"]:
            assert resource in said
            assert resource.startswith("arn:")
            assert not set(resource) & set("*?$")
            if "*" not in resources and "arn:aws:s3:::*" not in resources:
                assert resource.startswith("arn:aws:s3:::data/in/")


TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
REPAIR = {"guardrails": {"trust": {"repair": True}, "permissions": {"settle_s": 0}}}


def trusting(tmp_path: Path, document: dict[str, Any], **tables: Any) -> tuple[Bench, dict[str, tuple[str, ...]]]:
    """A job whose role has this trust policy."""
    bench = Bench(tmp_path, failed(exit_code=None), **(REPAIR | tables))
    bench.account.iam.trust["optimo-job"] = json.dumps(document, indent=2, sort_keys=True)
    return bench, {"role": (ROLE_ARN,)}


def test_ecs_tasks_are_let_in_and_the_old_document_is_kept(tmp_path: Path) -> None:
    """One statement more, for this account only; whoever was trusted still is."""
    bench, facts = trusting(tmp_path, TRUST)
    change = bench.plan("fix_trust", Cause.IAM_ROLE_TRUST, **facts)
    assert isinstance(change, FixTrust)
    change.apply(bench.site)
    change.verify(bench.site)
    kept, added = json.loads(bench.account.iam.trust["optimo-job"])["Statement"]
    assert kept == TRUST["Statement"][0]
    assert added["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert added["Condition"] == {"StringEquals": {"aws:SourceAccount": "000000000000"}}
    change.revert(bench.site)
    assert json.loads(bench.account.iam.trust["optimo-job"]) == TRUST


def test_a_trust_policy_that_somebody_else_changes_is_left_alone(tmp_path: Path) -> None:
    """Neither overwritten nor taken back."""
    bench, facts = trusting(tmp_path, TRUST)
    change = bench.plan("fix_trust", Cause.IAM_ROLE_TRUST, **facts)
    bench.account.iam.trust["optimo-job"] = "{}"
    with pytest.raises(ChangeFailed, match="meanwhile"):
        change.apply(bench.site)
    change.revert(bench.site)
    assert bench.account.iam.trust["optimo-job"] == "{}"


def test_trust_is_not_given_against_a_person_s_will(tmp_path: Path) -> None:
    """An explicit deny, a role that is not declared, or no leave."""
    denied = {"Statement": [{"Effect": "Deny", "Principal": {"Service": ["ecs-tasks.amazonaws.com"]}, "Action": "*"}]}
    bench, facts = trusting(tmp_path, denied)
    with pytest.raises(Refused, match="someone meant it"):
        bench.plan("fix_trust", Cause.IAM_ROLE_TRUST, **facts)
    with pytest.raises(Refused, match="declared roles"):
        bench.plan("fix_trust", Cause.IAM_ROLE_TRUST, role=("arn:aws:iam::000000000000:role/admin",))
    silent, facts = trusting(tmp_path, TRUST, guardrails={})
    with pytest.raises(Refused, match="leave"):
        silent.plan("fix_trust", Cause.IAM_ROLE_TRUST, **facts)
