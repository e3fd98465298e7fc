"""What a job queue can place, and what keeps it from placing more; every call only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from recloser.aws.translation import sensible, translated
from recloser.values import Capacity, ComputeEnvironment, JobQueue, Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mypy_boto3_batch import BatchClient

_QUOTA: Final = {
    # Code and service of the vCPU quota by kind of compute environment (Service Quotas: "Running On-Demand Standard
    # (A, C, D, H, I, M, R, T, Z) instances", "All Standard … Spot Instance Requests", "Fargate On-Demand vCPU
    # resource count", "Fargate Spot vCPU resource count").
    "EC2": ("ec2", "L-1216C47A"),
    "SPOT": ("ec2", "L-34B43A08"),
    "FARGATE": ("fargate", "L-3032A538"),
    "FARGATE_SPOT": ("fargate", "L-36FBB829"),
}
_ACTIVITIES: Final = 20
"""How many of the latest scaling activities are read."""


class CapacityGateway:
    """Read-only questions about queues, compute environments and what feeds them.

    Args:
        batch: For queues and compute environments.
        client: Makes the client of another service, called only when it is needed: `ec2` for the memory of instance
            types, `autoscaling` for what became of launches, `service-quotas`.
    """

    def __init__(self, batch: BatchClient, client: Callable[[str], Any]) -> None:
        self._batch = batch
        self._client = client

    def queue(self, name: str) -> JobQueue | None:
        """A queue with its compute environments in their order; None if there is none of this name."""
        with translated("batch", "DescribeJobQueues"):
            found = self._batch.describe_job_queues(jobQueues=[name]).get("jobQueues", [])
        if not found:
            return None
        with sensible("batch", "DescribeJobQueues"):
            shown = found[0]
            named = [entry["computeEnvironment"] for entry in shown.get("computeEnvironmentOrder", [])]
            return JobQueue(
                name=shown["jobQueueName"],
                state=shown["state"],
                status=shown.get("status", ""),
                reason=shown.get("statusReason", ""),
                environments=tuple(self._environments(named)),
            )

    def _environments(self, named: Sequence[str]) -> Iterator[ComputeEnvironment]:
        if not named:
            return
        with translated("batch", "DescribeComputeEnvironments"):
            answer = self._batch.describe_compute_environments(computeEnvironments=list(named))
        with sensible("batch", "DescribeComputeEnvironments"):
            known = {one["computeEnvironmentArn"]: one for one in answer.get("computeEnvironments", [])}
            known |= {one["computeEnvironmentName"]: one for one in known.values()}
            for name in named:
                if name in known:
                    yield _environment_of(known[name])

    def of_queue(self, name: str) -> Capacity:
        """The most that one job may ask of a queue; what cannot be told is None, as is the memory of `optimal`."""
        queue = self.queue(name)
        environments = [one for one in queue.environments if one.takes_jobs] if queue else []
        vcpus = max((one.max_vcpus for one in environments if one.max_vcpus is not None), default=None)
        if environments and all(one.is_fargate for one in environments):
            return Capacity(max_vcpus=vcpus, platform=Platform.FARGATE)
        types = sorted({name for one in environments for name in one.instance_types})
        return Capacity(max_vcpus=vcpus, max_memory_mib=self._largest_mib(types))

    def _largest_mib(self, types: list[str]) -> int | None:
        """Memory of the largest type in MiB; None where a family or `optimal` leaves the choice to Batch."""
        if not types or any("." not in name for name in types):
            return None
        with translated("ec2", "DescribeInstanceTypes"):
            answer: Mapping[str, Any] = self._client("ec2").describe_instance_types(InstanceTypes=types)
        with sensible("ec2", "DescribeInstanceTypes"):
            return max((int(one["MemoryInfo"]["SizeInMiB"]) for one in answer["InstanceTypes"]), default=None)

    @translated("batch", "GetJobQueueSnapshot")
    def front(self, queue: str) -> tuple[str, ...]:
        """The ids of the jobs at the front of a queue, the next one first; Batch shows a hundred at the most."""
        answer = self._batch.get_job_queue_snapshot(jobQueue=queue)
        jobs = answer.get("frontOfQueue", {}).get("jobs", [])
        return tuple(str(job["jobArn"]).rsplit("/", 1)[-1] for job in jobs)

    def vcpu_quota(self, environment: ComputeEnvironment) -> float | None:
        """The account's quota of vCPUs for this kind of compute environment; None for a kind that has none."""
        if environment.kind not in _QUOTA:
            return None
        service, code = _QUOTA[environment.kind]
        with translated("servicequotas", "GetServiceQuota"):
            answer = self._client("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)
        with sensible("servicequotas", "GetServiceQuota"):
            return float(answer["Quota"]["Value"])

    def failed_launches(self, environment: ComputeEnvironment) -> tuple[str, ...]:
        """What the latest launches of a compute environment's instances failed with, the latest first.

        Batch names the scaling groups it makes after the compute environment: `NAME-asg-…`.
        """
        groups: Any = self._client("autoscaling")
        prefix = f"{environment.name}-asg-"
        with translated("autoscaling", "DescribeAutoScalingGroups"):
            pages = groups.get_paginator("describe_auto_scaling_groups").paginate()
            names = [one["AutoScalingGroupName"] for page in pages for one in page["AutoScalingGroups"]]
        said: list[str] = []
        for name in (name for name in names if name.startswith(prefix)):
            with translated("autoscaling", "DescribeScalingActivities"):
                answer = groups.describe_scaling_activities(AutoScalingGroupName=name, MaxRecords=_ACTIVITIES)
            said += [one.get("StatusMessage", "") for one in answer["Activities"] if one["StatusCode"] == "Failed"]
        return tuple(message for message in said if message)


def _environment_of(shown: Mapping[str, Any]) -> ComputeEnvironment:
    resources = shown.get("computeResources", {})
    return ComputeEnvironment(
        name=shown["computeEnvironmentName"],
        state=shown.get("state", ""),
        status=shown.get("status", ""),
        reason=shown.get("statusReason", ""),
        kind=resources.get("type", ""),
        max_vcpus=float(resources["maxvCpus"]) if "maxvCpus" in resources else None,
        instance_types=tuple(resources.get("instanceTypes", ())),
    )
