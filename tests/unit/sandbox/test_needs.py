"""Which rights each operation needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from recloser.sandbox.batch import definitions
from recloser.sandbox.batch.app import OPERATIONS
from recloser.sandbox.batch.context import Context
from recloser.sandbox.batch.needs import needs_of
from recloser.sandbox.batch.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ARN = "arn:aws:batch:us-east-1:000000000000"
ROLE = "arn:aws:iam::000000000000:role/r"
SIZES = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]


class FakeScheduler:
    """Knows no jobs."""

    def __init__(self) -> None:
        self.live: dict[str, Any] = {}

    def find(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    """An empty sandbox."""
    store = Store(tmp_path / "batch.sqlite")
    scheduler: Any = FakeScheduler()
    yield Context("us-east-1", store, scheduler)
    store.close()


def needs(operation: str, context: Context, **document: Any) -> list[tuple[str, str]]:
    """Actions and resources."""
    return [(need.action, need.resource) for need in needs_of(operation, context, document)]


@pytest.mark.parametrize(
    ("operation", "document", "expected"),
    [
        ("DescribeJobs", {"jobs": ["x"]}, [("batch:DescribeJobs", "*")]),
        ("ListJobs", {"jobQueue": "q"}, [("batch:ListJobs", "*")]),
        ("CancelJob", {"jobId": "j:3"}, [("batch:CancelJob", f"{ARN}:job/j:3")]),
        (
            "TerminateJobs",
            {"jobs": ["a", "b"]},
            [("batch:TerminateJob", f"{ARN}:job/a"), ("batch:TerminateJob", f"{ARN}:job/b")],
        ),
        ("TerminateJobs", {"jobs": []}, [("batch:TerminateJob", "*")]),
        ("DeleteJobQueue", {"jobQueue": f"{ARN}:job-queue/q"}, [("batch:DeleteJobQueue", f"{ARN}:job-queue/q")]),
        (
            "DeregisterJobDefinition",
            {"jobDefinition": "d:2"},
            [("batch:DeregisterJobDefinition", f"{ARN}:job-definition/d:2")],
        ),
        ("UntagResource", {"resourceArn": f"{ARN}:job/x", "tagKeys": ["a"]}, [("batch:UntagResource", f"{ARN}:job/x")]),
        (
            "CreateJobQueue",
            {"jobQueueName": "q", "tags": {"a": "b"}},
            [("batch:CreateJobQueue", f"{ARN}:job-queue/q"), ("batch:TagResource", f"{ARN}:job-queue/q")],
        ),
        (
            "RegisterJobDefinition",
            {"jobDefinitionName": "d", "containerProperties": {"jobRoleArn": ROLE}},
            [("batch:RegisterJobDefinition", f"{ARN}:job-definition/d"), ("iam:PassRole", ROLE)],
        ),
        (
            "SubmitJob",
            {"jobQueue": "q", "jobDefinition": "none"},
            [("batch:SubmitJob", f"{ARN}:job-definition/none:1"), ("batch:SubmitJob", f"{ARN}:job-queue/q")],
        ),
        ("SubmitJob", {"jobDefinition": 7, "tags": "x"}, None),
    ],
)
def test_rights(
    context: Context, operation: str, document: dict[str, Any], expected: list[tuple[str, str]] | None
) -> None:
    """Each operation on its resources; a request of the wrong shape is no reason to fail."""
    found = needs(operation, context, **document)
    assert expected is None or found == expected


def test_a_name_means_its_latest_revision(context: Context) -> None:
    """A submission by name is judged on the revision it would run."""
    container = {"image": "i", "command": ["true"], "resourceRequirements": SIZES}
    for _ in range(2):
        request = {"jobDefinitionName": "d", "type": "container", "containerProperties": container}
        definitions.register_job_definition(context, request)
    asked = needs("SubmitJob", context, jobQueue="q", jobDefinition="d")
    assert asked[0] == ("batch:SubmitJob", f"{ARN}:job-definition/d:2")
    asked = needs("SubmitJob", context, jobQueue="q", jobDefinition="d:1")
    assert asked[0] == ("batch:SubmitJob", f"{ARN}:job-definition/d:1")


def test_every_operation_that_changes_something_names_its_resource(context: Context) -> None:
    """Only what describes and lists is judged on `*`."""
    wide = {
        operation
        for operation in OPERATIONS
        if ("batch:" + operation, "*") in needs(operation, context, jobs=["x"], jobDefinition="d:1")
    }
    assert {operation for operation in wide if not operation.startswith(("Describe", "List"))} == set()
