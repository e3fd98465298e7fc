"""What a job queue can place: its compute environments, and the memory of the instances they may start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recloser.aws.translation import sensible, translated
from recloser.values import Capacity, Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.type_defs import ComputeEnvironmentDetailTypeDef


class CapacityGateway:
    """Read-only questions about the size of compute environments.

    Args:
        batch: For queues and compute environments.
        ec2: Makes the client that knows the memory of instance types; called only when it is needed.
    """

    def __init__(self, batch: BatchClient, ec2: Callable[[], Any]) -> None:
        self._batch = batch
        self._ec2 = ec2

    def of_queue(self, queue: str) -> Capacity:
        """The most that one job may ask of a queue; what cannot be told is None, as is the memory of `optimal`."""
        environments = [one for one in self._environments(queue) if one.get("state") == "ENABLED"]
        resources = [one.get("computeResources", {}) for one in environments]
        with sensible("batch", "DescribeComputeEnvironments"):
            vcpus = max((float(one["maxvCpus"]) for one in resources if "maxvCpus" in one), default=None)
            fargate = bool(resources) and all(str(one.get("type", "")).startswith("FARGATE") for one in resources)
            types = sorted({name for one in resources for name in one.get("instanceTypes", [])})
        if fargate:
            return Capacity(max_vcpus=vcpus, platform=Platform.FARGATE)
        return Capacity(max_vcpus=vcpus, max_memory_mib=self._largest_mib(types))

    @translated("batch", "DescribeJobQueues")
    def _environments(self, queue: str) -> Iterable[ComputeEnvironmentDetailTypeDef]:
        queues = self._batch.describe_job_queues(jobQueues=[queue]).get("jobQueues", [])
        named = [entry["computeEnvironment"] for one in queues for entry in one.get("computeEnvironmentOrder", [])]
        if not named:
            return ()
        answer = self._batch.describe_compute_environments(computeEnvironments=named)
        return answer.get("computeEnvironments", [])

    def _largest_mib(self, types: list[str]) -> int | None:
        """Memory of the largest type in MiB; None where a family or `optimal` leaves the choice to Batch."""
        if not types or any("." not in name for name in types):
            return None
        with translated("ec2", "DescribeInstanceTypes"):
            answer: Mapping[str, Any] = self._ec2().describe_instance_types(InstanceTypes=types)
        with sensible("ec2", "DescribeInstanceTypes"):
            return max((int(one["MemoryInfo"]["SizeInMiB"]) for one in answer["InstanceTypes"]), default=None)
