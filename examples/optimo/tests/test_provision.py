"""Provisioning registers a job definition only when the latest one is not healthy, and asks Batch for legal things."""

import importlib.util
from types import SimpleNamespace

import boto3
import pytest
from botocore.stub import ANY, Stubber

ROLE_ARN = "arn:aws:iam::000000000000:role/optimo-job"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/optimo:1.4.2"


@pytest.fixture
def provision(example):
    """The provisioning script as a module."""
    spec = importlib.util.spec_from_file_location("provision", example / "infra" / "provision.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def batch():
    """A Batch client that answers what a test lays down and refuses calls that AWS would find malformed."""
    client = boto3.client("batch", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    with Stubber(client) as stub:
        yield SimpleNamespace(client=client, stub=stub)
        stub.assert_no_pending_responses()


def definition(revision, container):
    return {
        "jobDefinitionName": "optimo",
        "jobDefinitionArn": f"arn:aws:batch:us-east-1:000000000000:job-definition/optimo:{revision}",
        "revision": revision,
        "type": "container",
        "containerProperties": container,
    }


def test_a_healthy_definition_is_left_alone(provision, batch, capsys):
    """The highest active revision counts, in whatever order its environment comes back."""
    healthy = provision.healthy_container(IMAGE, ROLE_ARN, 512)
    turned = healthy | {"environment": healthy["environment"][::-1]}
    small = provision.healthy_container(IMAGE, ROLE_ARN, 256)
    answer = {"jobDefinitions": [definition(9, small), definition(10, turned)]}
    batch.stub.add_response("describe_job_definitions", answer)
    provision.job_definition(batch.client, healthy)
    assert "optimo:10: healthy already" in capsys.readouterr().out


@pytest.mark.parametrize("memory_mib", [None, 256])
def test_an_unhealthy_definition_gets_a_healthy_revision(provision, batch, capsys, memory_mib):
    """None at all, or one with too little memory."""
    found = [definition(3, provision.healthy_container(IMAGE, ROLE_ARN, memory_mib))] if memory_mib else []
    healthy = provision.healthy_container(IMAGE, ROLE_ARN, 512)
    batch.stub.add_response("describe_job_definitions", {"jobDefinitions": found})
    batch.stub.add_response(
        "register_job_definition",
        {"jobDefinitionName": "optimo", "jobDefinitionArn": "arn:aws:batch:x", "revision": 4},
        {"jobDefinitionName": "optimo", "type": "container", "containerProperties": healthy},
    )
    provision.job_definition(batch.client, healthy)
    assert "optimo:4: registered" in capsys.readouterr().out


def test_creates_the_compute_environment_and_the_queue(provision, batch):
    """Both are asked for once, and awaited until VALID."""
    options = SimpleNamespace(
        service_role=None, max_vcpus=4, subnets=["subnet-0"], security_groups=["sg-0"], instance_role="ecsInstanceRole"
    )
    valid = {"status": "VALID", "computeEnvironmentName": "optimo", "computeEnvironmentArn": "arn:aws:batch:x"}
    order = [{"order": 1, "computeEnvironment": "optimo"}]
    queue = {"jobQueueName": "optimo", "jobQueueArn": "arn:aws:batch:q", "state": "ENABLED", "priority": 1}
    asked = {"computeEnvironmentName": "optimo", "type": "MANAGED", "state": "ENABLED", "computeResources": ANY}
    batch.stub.add_response("describe_compute_environments", {"computeEnvironments": []})
    batch.stub.add_response("create_compute_environment", {}, asked)
    batch.stub.add_response("describe_compute_environments", {"computeEnvironments": [valid]})
    batch.stub.add_response("describe_job_queues", {"jobQueues": []})
    batch.stub.add_response("create_job_queue", {"jobQueueName": "optimo", "jobQueueArn": "arn:aws:batch:q"})
    answer = {"jobQueues": [queue | {"status": "VALID", "computeEnvironmentOrder": order}]}
    batch.stub.add_response("describe_job_queues", answer)
    provision.compute_environment(batch.client, options)
    provision.queue(batch.client)
