"""Questions about what a queue can place, asked of botocore's own models with scripted answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from recloser.aws import AccessRefused, MalformedAnswer
from recloser.aws.capacity import CapacityGateway
from recloser.values import Capacity, ComputeEnvironment, Platform, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator

ARN = "arn:aws:batch:us-east-1:000000000000"
ON_DEMAND = ComputeEnvironment(name="large", state="ENABLED", status="VALID", kind="EC2")


class Scripted:
    """A gateway whose services answer by a script, each answer once."""

    def __init__(self) -> None:
        self.stubs: dict[str, Stubber] = {}
        self.gateway = CapacityGateway(self._client("batch"), self._client)

    def _client(self, service: str) -> Any:
        if service not in self.stubs:
            keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
            client = boto3.session.Session(region_name="us-east-1", **keys).client(service)  # type: ignore[call-overload]
            self.stubs[service] = Stubber(client)
            self.stubs[service].activate()
        return self.stubs[service].client

    def answers(self, service: str, operation: str, **answer: Any) -> None:
        """Script the next answer."""
        self._client(service)
        self.stubs[service].add_response(operation, answer)

    def refuses(self, service: str, operation: str) -> None:
        """Script a refusal."""
        self._client(service)
        self.stubs[service].add_client_error(operation, "AccessDeniedException", "no", http_status_code=403)

    def has_queue(self, *environments: dict[str, Any]) -> None:
        """Script a queue with these compute environments, the last one first in its order."""
        order = [
            {"order": number, "computeEnvironment": f"{ARN}:compute-environment/{one['computeEnvironmentName']}"}
            for number, one in enumerate(reversed(environments))
        ]
        shown = {"jobQueueName": "main", "jobQueueArn": f"{ARN}:job-queue/main", "state": "ENABLED", "priority": 1}
        self.answers(
            "batch", "describe_job_queues", jobQueues=[{**shown, "status": "VALID", "computeEnvironmentOrder": order}]
        )
        self.answers("batch", "describe_compute_environments", computeEnvironments=list(environments))


def environment(name: str, **resources: Any) -> dict[str, Any]:
    """A compute environment as Batch describes it."""
    return {
        "computeEnvironmentName": name,
        "computeEnvironmentArn": f"{ARN}:compute-environment/{name}",
        "state": "ENABLED",
        "status": "VALID",
        "computeResources": {"type": "EC2", "maxvCpus": 16, "subnets": [], **resources},
    }


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """Services that answer by a script; whatever was scripted must have been asked for."""
    services = Scripted()
    yield services
    for stub in services.stubs.values():
        stub.assert_no_pending_responses()


def test_a_queue_has_its_environments_in_its_order(scripted: Scripted) -> None:
    """State, status, reason and sizes, in the order in which Batch tries them."""
    scripted.has_queue(environment("b", maxvCpus=4), {**environment("a"), "statusReason": "CLIENT_ERROR"})
    queue = scripted.gateway.queue("main")
    assert queue is not None
    assert [(one.name, one.max_vcpus, one.reason) for one in queue.environments] == [
        ("a", 16, "CLIENT_ERROR"),
        ("b", 4, ""),
    ]


def test_a_queue_that_is_not_there_is_none(scripted: Scripted) -> None:
    """A deleted queue is an answer, not an error."""
    scripted.answers("batch", "describe_job_queues", jobQueues=[])
    assert scripted.gateway.queue("main") is None


def test_what_fits_is_the_largest_of_each(scripted: Scripted) -> None:
    """Disabled environments count for nothing; memory is that of the largest named type."""
    off = {**environment("off", maxvCpus=999), "state": "DISABLED"}
    scripted.has_queue(environment("on", instanceTypes=["m5.large", "r5.large"]), off)
    sizes = [("m5.large", 8192), ("r5.large", 16384)]
    types = [{"InstanceType": name, "MemoryInfo": {"SizeInMiB": size}} for name, size in sizes]
    scripted.answers("ec2", "describe_instance_types", InstanceTypes=types)
    assert scripted.gateway.of_queue("main") == Capacity(max_vcpus=16, max_memory_mib=16384)


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({"instanceTypes": ["optimal"]}, Capacity(max_vcpus=16)),
        ({"type": "FARGATE_SPOT"}, Capacity(max_vcpus=16, platform=Platform.FARGATE)),
    ],
)
def test_what_batch_chooses_itself_is_not_known(
    scripted: Scripted, resources: dict[str, Any], expected: Capacity
) -> None:
    """Families, `optimal` and Fargate name no instance whose memory could be looked up."""
    scripted.has_queue(environment("any", **resources))
    assert scripted.gateway.of_queue("main") == expected


def test_the_front_of_a_queue_is_ids(scripted: Scripted) -> None:
    """The next job first."""
    jobs = [{"jobArn": f"{ARN}:job/{name}", "earliestTimeAtPosition": 1} for name in ("first", "second")]
    scripted.answers("batch", "get_job_queue_snapshot", frontOfQueue={"jobs": jobs, "lastUpdatedAt": 1})
    assert scripted.gateway.front("main") == ("first", "second")


def test_failed_launches_of_an_environment_are_told(scripted: Scripted) -> None:
    """Of its own scaling groups only, and of those the failures."""
    group = {"MinSize": 0, "MaxSize": 1, "DesiredCapacity": 0, "DefaultCooldown": 0, "AvailabilityZones": ["a"]}
    group |= {"HealthCheckType": "EC2", "CreatedTime": utc_now()}
    names = ("large-asg-1", "larger-asg-1", "other")
    groups = [{**group, "AutoScalingGroupName": name} for name in names]
    scripted.answers("autoscaling", "describe_auto_scaling_groups", AutoScalingGroups=groups)
    activity = {"ActivityId": "1", "AutoScalingGroupName": "large-asg-1", "Cause": "a launch", "StartTime": utc_now()}
    activities = [
        {**activity, "StatusCode": "Failed", "StatusMessage": "VcpuLimitExceeded"},
        {**activity, "StatusCode": "Successful", "StatusMessage": "fine"},
    ]
    scripted.answers("autoscaling", "describe_scaling_activities", Activities=activities)
    assert scripted.gateway.failed_launches(ON_DEMAND) == ("VcpuLimitExceeded",)


def test_quotas_are_asked_by_kind(scripted: Scripted) -> None:
    """Each kind of compute environment has a quota of its own; an unmanaged one has none."""
    scripted.answers("service-quotas", "get_service_quota", Quota={"Value": 32.0})
    assert scripted.gateway.vcpu_quota(ON_DEMAND) == 32
    assert scripted.gateway.vcpu_quota(ON_DEMAND.model_copy(update={"kind": ""})) is None


def test_a_refusal_and_nonsense_are_errors_of_ours(scripted: Scripted) -> None:
    """Whoever asks can name the gap."""
    scripted.refuses("service-quotas", "get_service_quota")
    with pytest.raises(AccessRefused):
        scripted.gateway.vcpu_quota(ON_DEMAND)
    scripted.answers("service-quotas", "get_service_quota", Quota={})
    with pytest.raises(MalformedAnswer):
        scripted.gateway.vcpu_quota(ON_DEMAND)
