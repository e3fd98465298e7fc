"""Builds by CodeBuild, asked of botocore's own model with scripted answers."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from recloser.aws import NotFound
from recloser.aws.builds import BuildsGateway


def scripted(*statuses: str) -> tuple[BuildsGateway, Stubber]:
    """A gateway to a project whose build goes through these states."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client: Any = boto3.session.Session(region_name="us-east-1", **keys).client("codebuild")  # type: ignore[call-overload]
    stub = Stubber(client)
    variable = {"name": "IMAGE_TAG", "value": "1.2", "type": "PLAINTEXT"}
    asked = {"projectName": "image", "environmentVariablesOverride": [variable], "idempotencyToken": "1.2"}
    stub.add_response("start_build", {"build": {"id": "image:1"}}, asked)
    for status in statuses:
        build = {"id": "image:1", "buildStatus": status, "logs": {"deepLink": "https://logs"}}
        stub.add_response("batch_get_builds", {"builds": [build]}, {"ids": ["image:1"]})
    stub.activate()
    return BuildsGateway(lambda: client, poll_s=0), stub


def run(gateway: BuildsGateway, timeout_s: float = 60) -> str | None:
    """One build of one tag."""
    return gateway.run("image", variables={"IMAGE_TAG": "1.2"}, token="1.2", timeout_s=timeout_s)


def test_a_build_is_waited_for() -> None:
    """Through every look at it until it has succeeded."""
    gateway, stub = scripted("IN_PROGRESS", "IN_PROGRESS", "SUCCEEDED")
    assert run(gateway) is None
    stub.assert_no_pending_responses()


@pytest.mark.parametrize("status", ["FAILED", "FAULT", "TIMED_OUT", "STOPPED"])
def test_any_other_end_is_told_with_its_log(status: str) -> None:
    """A person can go on from there."""
    gateway, _ = scripted(status)
    assert run(gateway) == f"build image:1 ended {status}; its log: https://logs"


def test_no_wait_is_endless() -> None:
    """A build that takes too long is left to itself."""
    gateway, _ = scripted("IN_PROGRESS")
    assert "still runs" in (run(gateway, timeout_s=-1) or "")


def test_a_build_that_is_not_known_is_an_error() -> None:
    """Nothing is concluded from silence."""
    gateway, stub = scripted()
    stub.add_response("batch_get_builds", {"builds": []})
    with pytest.raises(NotFound):
        run(gateway)
