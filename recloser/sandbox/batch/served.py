"""What the sandbox serves of each request, as data: everything else is refused by name.

A table names the served members of a structure; `ANY` takes any value, a tuple takes only the values in it, a
one-element list is a list of structures. A member that is not named is refused unless its value is empty: clients
that register again what they have described send AWS's empty `volumes`, `mountPoints` and the like.
"""

from __future__ import annotations

from typing import Final

from recloser.sandbox.batch.model import Document, NotServedError

ANY: Final = object()

_ENVIRONMENT: Final = [{"name": ANY, "value": ANY}]
_RESOURCES: Final = [{"type": ("VCPU", "MEMORY"), "value": ANY}]
_RETRY: Final = {
    "attempts": ANY,
    "evaluateOnExit": [{"onStatusReason": ANY, "onReason": ANY, "onExitCode": ANY, "action": ANY}],
}
_TIMEOUT: Final = {"attemptDurationSeconds": ANY}
_COMPUTE_RESOURCES: Final = {
    "type": ("EC2", "SPOT", "FARGATE", "FARGATE_SPOT"),
    "maxvCpus": ANY,
    # What follows describes instances; here there is one host, so it is kept and shown and has no effect.
    **dict.fromkeys(
        (
            "allocationStrategy",
            "minvCpus",
            "desiredvCpus",
            "instanceTypes",
            "subnets",
            "securityGroupIds",
            "instanceRole",
            "bidPercentage",
            "spotIamFleetRole",
            "tags",
        ),
        ANY,
    ),
}
_QUEUE: Final = {
    "state": ANY,
    "priority": ANY,
    "computeEnvironmentOrder": [{"order": ANY, "computeEnvironment": ANY}],
    "schedulingPolicyArn": ANY,
    "jobStateTimeLimitActions": [{"reason": ANY, "state": ANY, "maxTimeSeconds": ANY, "action": ("CANCEL",)}],
}
_ENVIRONMENT_STATE: Final = {"state": ANY, "serviceRole": ANY}
_PAGE: Final = {"maxResults": ANY, "nextToken": ANY}

SERVED: Final[Document] = {
    "CreateComputeEnvironment": {
        **_ENVIRONMENT_STATE,
        "computeEnvironmentName": ANY,
        "type": ("MANAGED",),
        "computeResources": _COMPUTE_RESOURCES,
        "tags": ANY,
    },
    "UpdateComputeEnvironment": {
        **_ENVIRONMENT_STATE,
        "computeEnvironment": ANY,
        "computeResources": {name: ANY for name in _COMPUTE_RESOURCES if name not in {"type", "spotIamFleetRole"}},
    },
    "DescribeComputeEnvironments": {"computeEnvironments": ANY, **_PAGE},
    "DeleteComputeEnvironment": {"computeEnvironment": ANY},
    "CreateJobQueue": {**_QUEUE, "jobQueueName": ANY, "jobQueueType": ("ECS",), "tags": ANY},
    "UpdateJobQueue": {**_QUEUE, "jobQueue": ANY},
    "DescribeJobQueues": {"jobQueues": ANY, **_PAGE},
    "GetJobQueueSnapshot": {"jobQueue": ANY},
    "DeleteJobQueue": {"jobQueue": ANY},
    "RegisterJobDefinition": {
        "jobDefinitionName": ANY,
        "type": ("container",),
        "parameters": ANY,
        "containerProperties": {
            "image": ANY,
            "vcpus": ANY,
            "memory": ANY,
            "command": ANY,
            "jobRoleArn": ANY,
            "executionRoleArn": ANY,
            "environment": _ENVIRONMENT,
            "resourceRequirements": _RESOURCES,
            "privileged": (False,),
            "readonlyRootFilesystem": (False,),
            "logConfiguration": {"logDriver": ("awslogs",), "options": ANY},
            "linuxParameters": {"sharedMemorySize": ANY},
            # Kept and shown: a task's scratch is not limited here.
            "ephemeralStorage": {"sizeInGiB": ANY},
            "fargatePlatformConfiguration": {"platformVersion": ANY},
            "networkConfiguration": {"assignPublicIp": ANY},
        },
        "retryStrategy": _RETRY,
        "timeout": _TIMEOUT,
        "schedulingPriority": ANY,
        "tags": ANY,
        "propagateTags": ANY,
        "platformCapabilities": (["EC2"], ["FARGATE"]),
    },
    "DescribeJobDefinitions": {"jobDefinitions": ANY, "jobDefinitionName": ANY, "status": ANY, **_PAGE},
    "DeregisterJobDefinition": {"jobDefinition": ANY},
    "SubmitJob": {
        "jobName": ANY,
        "jobQueue": ANY,
        "jobDefinition": ANY,
        "shareIdentifier": ANY,
        "schedulingPriorityOverride": ANY,
        "arrayProperties": {"size": ANY},
        "dependsOn": [{"jobId": ANY, "type": ANY}],
        "parameters": ANY,
        "containerOverrides": {"command": ANY, "environment": _ENVIRONMENT, "resourceRequirements": _RESOURCES},
        "retryStrategy": _RETRY,
        "timeout": _TIMEOUT,
        "tags": ANY,
        "propagateTags": ANY,
    },
    "DescribeJobs": {"jobs": ANY},
    "ListJobs": {
        "jobQueue": ANY,
        "arrayJobId": ANY,
        "multiNodeJobId": ANY,
        "jobStatus": ANY,
        "filters": [{"name": ANY, "values": ANY}],
        **_PAGE,
    },
    "TerminateJob": {"jobId": ANY, "reason": ANY},
    "CancelJob": {"jobId": ANY, "reason": ANY},
    "TerminateJobs": {"jobs": ANY, "reason": ANY},
    "CancelJobs": {"jobs": ANY, "reason": ANY},
    "TagResource": {"resourceArn": ANY, "tags": ANY},
    "ListTagsForResource": {"resourceArn": ANY},
    "UntagResource": {"resourceArn": ANY, "tagKeys": ANY},
}


def check_served(operation: str, request: Document) -> None:
    """Refuse whatever of the request the table does not name.

    Raises:
        NotServedError: It names the operation or the field.
    """
    if operation not in SERVED:
        raise NotServedError(f"operation {operation}")
    _check(SERVED[operation], request, operation)


def _check(served: object, value: object, path: str) -> None:
    if served is ANY:
        return
    if isinstance(served, tuple):
        _check_value(served, value, path)
    elif isinstance(served, list) and isinstance(value, list):
        for index, item in enumerate(value):
            _check(served[0], item, f"{path}[{index}]")
    elif isinstance(served, dict) and isinstance(value, dict):
        _check_members(served, value, path)


def _check_value(allowed: tuple[object, ...], value: object, path: str) -> None:
    if value not in allowed:
        raise NotServedError(f"{path} = {value!r}")


def _check_members(served: Document, value: Document, path: str) -> None:
    for name, member in value.items():
        if name in served:
            _check(served[name], member, f"{path}.{name}")
        elif member not in (None, [], {}, ""):
            raise NotServedError(f"{path}.{name}")
