"""The small pure parts: trust policies, endings, parameters, exports, pages, the table of what is served."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

import botocore.loaders
import pytest
from botocore.model import ServiceModel
from hypothesis import given
from hypothesis import strategies as st

from recloser.sandbox.batch import endings, paging
from recloser.sandbox.batch.app import OPERATIONS
from recloser.sandbox.batch.model import BatchError, NotServedError
from recloser.sandbox.batch.served import ANY, SERVED, check_served
from recloser.sandbox.batch.submission import substitute
from recloser.sandbox.batch.trust import Trust, trust_of, with_own_statement
from recloser.sandbox.environment import export_lines

TASKS = {"Service": "ecs-tasks.amazonaws.com"}
FACTS = {"aws:sourceaccount": "000000000000", "aws:sourcearn": "arn:aws:ecs:us-east-1:000000000000:task/1"}


@pytest.mark.parametrize(
    ("statement", "trusted"),
    [
        ({"Effect": "Allow", "Principal": TASKS, "Action": "sts:AssumeRole"}, True),
        ({"Effect": "Allow", "Principal": {"Service": ["x", TASKS["Service"]]}, "Action": ["sts:AssumeRole"]}, True),
        ({"Effect": "Allow", "Principal": TASKS, "Action": "sts:TagSession"}, False),
        ({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}, False),
        ({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}, False),
        ({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}, False),
        ({"Effect": "Deny", "Principal": TASKS, "Action": "sts:AssumeRole"}, False),
    ],
)
def test_trust_must_name_ecs_tasks(statement: dict[str, Any], trusted: bool) -> None:  # noqa: FBT001
    """Only a policy that lets ECS tasks assume the role counts, whether a statement stands alone or in a list."""
    expected = Trust.PLAIN if trusted else Trust.NONE
    assert trust_of({"Statement": statement}, FACTS) is expected
    assert trust_of({"Statement": [statement]}, FACTS) is expected


@pytest.mark.parametrize(
    ("condition", "allows", "denies"),
    [
        ({"StringEquals": {"aws:SourceAccount": "000000000000"}}, True, True),
        ({"StringEquals": {"AWS:sourceaccount": ["1", "000000000000"]}}, True, True),
        ({"StringEquals": {"aws:SourceAccount": "111111111111"}}, False, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:ecs:us-east-1:000000000000:*"}}, True, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:ecs:eu-west-1:*"}}, False, False),
        ({"StringEquals": {"aws:SourceArn": "arn:aws:ecs:us-east-1:000000000000:*"}}, False, False),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, False, False),
        ({"StringSounds": {"aws:SourceAccount": "000000000000"}}, False, True),
        ({"StringEquals": {"aws:PhaseOfTheMoon": "full"}}, False, True),
    ],
)
def test_conditions_on_the_source_are_judged(condition: dict[str, Any], allows: bool, denies: bool) -> None:  # noqa: FBT001
    """Account and ARN of the task are compared; what is not understood gives no trust, and still denies."""
    allow = {"Effect": "Allow", "Principal": TASKS, "Action": "sts:AssumeRole"}
    assert (trust_of({"Statement": {**allow, "Condition": condition}}, FACTS) is Trust.CONDITIONAL) is allows
    deny = {**allow, "Effect": "Deny", "Condition": condition}
    assert (trust_of({"Statement": [allow, deny]}, FACTS) is Trust.NONE) is denies


def test_own_statement_is_added_once() -> None:
    """The statement of an earlier sandbox is replaced, the others stay."""
    policy = with_own_statement({"Statement": {"Sid": "theirs"}}, "000000000000", "first")
    again = with_own_statement(policy, "000000000000", "second")
    assert [statement["Sid"] for statement in again["Statement"]] == ["theirs", "RecloserSandbox"]
    assert again["Statement"][1]["Condition"] == {"StringEquals": {"sts:ExternalId": "second"}}


def test_imposed_end_wins_over_the_exit_code() -> None:
    """A job that was ended from outside is FAILED even if its process exited 0."""
    detail: dict[str, Any] = {"container": {}, "attempts": [], "startedAt": 1}
    endings.record(detail, endings.exited(0, out_of_memory=False), {"statusReason": "stop", "isTerminated": True})
    assert (detail["status"], detail["statusReason"], detail["isTerminated"]) == ("FAILED", "stop", True)
    assert detail["attempts"][0]["container"]["exitCode"] == 0


@pytest.mark.parametrize(
    ("word", "filled"),
    [("Ref::a", "1"), ("x-Ref::a.csv", "x-1.csv"), ("Ref::a/Ref::b", "1/Ref::b"), ("Ref::", "Ref::")],
)
def test_parameters_are_filled_in(word: str, filled: str) -> None:
    """Every `Ref::name` with a known name is replaced."""
    assert substitute(word, {"a": "1"}) == filled


@given(st.dictionaries(st.from_regex(r"[A-Z]{3,8}", fullmatch=True), st.text(st.characters(exclude_characters="\0"))))
def test_exports_survive_the_shell(values: dict[str, str]) -> None:
    """Every value comes out of a POSIX shell's words as it went in."""
    printed = export_lines(values)
    words = [word for word in shlex.split(printed) if "=" in word]
    for name, value in values.items():
        assert f"{name}={value}" in words


def test_exports_keep_other_exceptions_of_the_proxy() -> None:
    """A NO_PROXY that was set stays behind ours."""
    script = f'{export_lines({})}\necho "$NO_PROXY $no_proxy"'
    said = subprocess.run(["sh", "-c", script], env={"NO_PROXY": "a.b"}, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["127.0.0.1,localhost,a.b"] * 2


@given(st.integers(0, 2**62))
def test_page_tokens_come_back(position: int) -> None:
    """A token carries its position."""
    assert paging.position_in({"nextToken": paging.token_of(position)}, -1) == position


@given(st.text())
def test_foreign_page_tokens_are_refused(token: str) -> None:
    """A token of somebody else is a ClientException, never another error."""
    if token:
        with pytest.raises(BatchError):
            paging.position_in({"nextToken": token}, 0)


@pytest.mark.parametrize("operation", SERVED)
def test_served_members_exist_in_the_model(operation: str) -> None:
    """The table of what is served names only what botocore's model of Batch has."""
    loaded = botocore.loaders.create_loader().load_service_model("batch", "service-2")
    shape = ServiceModel(loaded, "batch").operation_model(operation).input_shape
    assert not list(unknown(SERVED[operation], shape, operation))


def unknown(served: Any, shape: Any, path: str) -> Any:
    """Members of the table that the model lacks."""
    if isinstance(served, list):
        yield from unknown(served[0], shape.member, path)
    elif isinstance(served, dict):
        for name, inner in served.items():
            if name in shape.members:
                yield from unknown(inner, shape.members[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    else:
        assert served is ANY or isinstance(served, tuple)


def test_every_served_operation_is_implemented() -> None:
    """The table and the code name the same operations."""
    assert set(SERVED) == set(OPERATIONS)


def test_empty_unserved_members_are_harmless() -> None:
    """An empty value of an unserved member says nothing and is taken."""
    check_served("SubmitJob", {"nodeOverrides": {}, "eksPropertiesOverride": {}})
    with pytest.raises(NotServedError, match="nodeOverrides"):
        check_served("SubmitJob", {"nodeOverrides": {"numNodes": 2}})
