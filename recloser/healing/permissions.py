"""The permissions Recloser needs for one target: what its remedies and probes call, on what it names, no more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recloser.target import Target


_PERFORMANCE = "arn:aws:logs:*:*:log-group:/aws/ecs/containerinsights/*/performance"
_LOG_GROUP = "arn:aws:logs:*:*:log-group:/aws/batch/job"


def operator_policy(target: Target) -> str:
    """The smallest IAM policy for healing a target, as JSON.

    Remedies that the target's guardrails do not allow get no permission either.
    """
    statements = [
        *_always(target),
        *_placement(target),
        *_queue(target),
        *_table(target),
        *_objects(target),
        *_images(target),
        *_siblings(target),
        *_log_groups(target),
        *_grants(target),
        *_trust(target),
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)


def _allow(sid: str, actions: Iterable[str], resources: Iterable[str], **more: object) -> dict[str, object]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources), **more}


def _always(target: Target) -> list[dict[str, object]]:
    return [
        # Batch's read calls take no resource (Service Authorization Reference).
        _allow(
            "SeeJobs",
            ["batch:DescribeJobs", "batch:ListJobs", "batch:DescribeJobDefinitions", "batch:DescribeJobQueues"],
            ["*"],
        ),
        # The queue and the definition are both authorised; siblings carry the target's name in front.
        _allow(
            "RunTheJob",
            ["batch:SubmitJob", "batch:TagResource"],
            [
                *_queue_arns(target),
                *(
                    f"arn:aws:batch:*:*:job-definition/{definition}{revision}"
                    for definition in _definitions(target)
                    for revision in ("", ":*")
                ),
                f"arn:aws:batch:*:*:job-definition/{target.name}-recloser-*",
            ],
        ),
        _allow("StopTheJob", ["batch:TerminateJob"], ["arn:aws:batch:*:*:job/*"]),
        # AWS judges it on the stream, the sandbox on the group.
        _allow("ReadLogs", ["logs:GetLogEvents"], _with_streams(_LOG_GROUP, *_groups(target))),
        # What a task used of its memory, where Container Insights is on.
        _allow("ReadWhatTasksUsed", ["logs:FilterLogEvents"], _with_streams(_PERFORMANCE)),
        # Asked before a missing group is told from a missing right or route; it takes no narrower resource.
        _allow("SeeLogGroups", ["logs:DescribeLogGroups"], ["*"]),
        _allow("SeeTheJobRole", ["iam:GetRole"], _roles(*_seen(target))),
        # Asked before and after every grant. It only asks, and the sandbox judges it on `*`.
        _allow("SimulateTheJobRole", ["iam:SimulatePrincipalPolicy"], ["*"]),
    ]


def _queue(target: Target) -> list[dict[str, object]]:
    queues = [target.watch.event_queue, *(one.event_queue for one in target.guardrails.regions)]
    named = [f"arn:aws:sqs:*:*:{queue.rstrip('/').rsplit('/', 1)[-1]}" for queue in dict.fromkeys(queues) if queue]
    return [_allow("HearOfJobs", ["sqs:ReceiveMessage", "sqs:DeleteMessage"], named)] if named else []


def _table(target: Target) -> list[dict[str, object]]:
    table = target.watch.job_table
    return [_allow("ReadStatus", ["dynamodb:GetItem"], [f"arn:aws:dynamodb:*:*:table/{table.name}"])] if table else []


def _objects(target: Target) -> list[dict[str, object]]:
    read = [_arn(item.uri) for item in target.inputs] + [_arn(item.uri) for item in target.outputs]
    restored = [_arn(item.uri) for item in target.inputs if item.restore]
    staged = [_arn(target.test_data.prefix) + "*"] if target.test_data else []
    buckets = sorted({arn.split("/")[0] for arn in (*read, *staged)})
    statements = []
    if read:
        statements.append(_allow("SeeInputsAndOutputs", ["s3:GetObject"], dict.fromkeys([*read, *staged])))
    if buckets:
        # Without it a missing object answers 403, not 404, and cannot be told from a refused one.
        statements.append(_allow("TellMissingFromRefused", ["s3:ListBucket"], buckets))
    if restored or staged:
        statements.append(_allow("RestoreInputs", ["s3:PutObject", "s3:DeleteObject"], [*restored, *staged]))
    return statements


def _arn(uri: str) -> str:
    return f"arn:aws:s3:::{uri.removeprefix('s3://').replace('{job_id}', '*')}"


def _images(target: Target) -> list[dict[str, object]]:
    if target.image is None:
        return []
    repository = [f"arn:aws:ecr:*:*:repository/{target.image.repository}"]
    statements = [_allow("SeeImages", ["ecr:BatchGetImage"], repository)]
    allowed = target.guardrails.image
    project = target.image.codebuild
    if allowed.rebuild and (target.image.build or project):
        statements.append(_allow("RemoveUnneededBuilds", ["ecr:BatchDeleteImage"], repository))
    if allowed.rebuild and project:
        projects = [f"arn:aws:codebuild:*:*:project/{project}"]
        statements.append(_allow("Build", ["codebuild:StartBuild", "codebuild:BatchGetBuilds"], projects))
    return statements


def _siblings(target: Target) -> list[dict[str, object]]:
    guard = target.guardrails
    definition = guard.definition
    if not (
        (target.image and (guard.image.pin or guard.image.rebuild))
        or guard.shared_memory
        or guard.disk
        or guard.logs.fix_options
        or definition.unset_static_keys
        or definition.job_roles
        or definition.architectures
    ):
        return []
    named = [f"arn:aws:batch:*:*:job-definition/{target.name}-recloser-*"]
    passed = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    handed_on = _roles(target.job.role, target.job.execution_role)
    return [
        _allow("RegisterSiblings", ["batch:RegisterJobDefinition", "batch:DeregisterJobDefinition"], named),
        _allow("PassTheJobRole", ["iam:PassRole"], [*handed_on, *definition.job_roles], Condition=passed),
    ]


def _placement(target: Target) -> list[dict[str, object]]:
    """What a queue can place, and what keeps it from placing a job that is stuck; all but one take no resource."""
    return [
        _allow(
            "SeeWhatCanBePlaced",
            [
                "batch:DescribeComputeEnvironments",
                "ec2:DescribeInstanceTypes",
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeScalingActivities",
                "servicequotas:GetServiceQuota",
            ],
            ["*"],
        ),
        _allow("SeeTheQueue", ["batch:GetJobQueueSnapshot"], _queue_arns(target)),
    ]


def _log_groups(target: Target) -> list[dict[str, object]]:
    guard = target.guardrails.logs
    if not guard.groups or not guard.create_group:
        return []
    managed = (
        "logs:CreateLogGroup",
        "logs:PutRetentionPolicy",
        "logs:TagResource",
        "logs:ListTagsLogGroup",
        "logs:DescribeLogStreams",
        "logs:DeleteLogGroup",
    )
    return [_allow("CreateDeclaredLogGroups", managed, _with_streams(*_groups(target)))]


def _grants(target: Target) -> list[dict[str, object]]:
    guard = target.guardrails.permissions
    extended = [
        role
        for role, boundary in (
            (target.job.role, guard),
            (target.job.execution_role, guard.execution),
            (target.job.instance_role, guard.instance),
        )
        if boundary.actions
    ]
    if not extended:
        return []
    return [_allow("GrantInsideTheBoundary", ["iam:PutRolePolicy", "iam:DeleteRolePolicy"], _roles(*extended))]


def _trust(target: Target) -> list[dict[str, object]]:
    if not target.guardrails.trust.repair:
        return []
    trusted = _roles(target.job.role, target.job.execution_role)
    return [_allow("LetTasksAssumeTheDeclaredRoles", ["iam:UpdateAssumeRolePolicy"], trusted)]


def _queue_arns(target: Target) -> list[str]:
    return [f"arn:aws:batch:*:*:job-queue/{queue}" for queue in _queues(target)]


def _queues(target: Target) -> list[str]:
    guard = target.guardrails
    others = [*(guard.queue.fallbacks if guard.queue else ()), *((guard.gpu.queue,) if guard.gpu else ())]
    elsewhere = [one.queue for one in guard.regions if one.queue]
    return list(dict.fromkeys([target.job.queue, *others, *elsewhere]))


def _definitions(target: Target) -> list[str]:
    elsewhere = [one.definition for one in target.guardrails.regions if one.definition]
    return list(dict.fromkeys([target.job.definition, *elsewhere]))


def _seen(target: Target) -> list[str | None]:
    """Roles that are looked at before something is planned for them."""
    declared = [arn.rsplit("/", 1)[-1] for arn in target.guardrails.definition.job_roles]
    return [target.job.role, target.job.execution_role, target.job.instance_role, *declared]


def _roles(*names: str | None) -> list[str]:
    return [f"arn:aws:iam::*:role/{name}" for name in dict.fromkeys(names) if name]


def _groups(target: Target) -> list[str]:
    return [f"arn:aws:logs:*:*:log-group:{name}" for name in target.guardrails.logs.groups]


def _with_streams(*groups: str) -> list[str]:
    return [arn for group in groups for arn in (group, f"{group}:*")]
