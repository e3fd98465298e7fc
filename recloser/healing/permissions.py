"""The permissions Recloser needs for one target: what its remedies and probes call, on what it names, no more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recloser.target import Target


_LOG_GROUP = "arn:aws:logs:*:*:log-group:/aws/batch/job"


def operator_policy(target: Target) -> str:
    """The smallest IAM policy for healing a target, as JSON.

    Remedies that the target's guardrails do not allow get no permission either.
    """
    statements = [
        *_always(target),
        *_queue(target),
        *_table(target),
        *_objects(target),
        *_images(target),
        *_grants(target),
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
                f"arn:aws:batch:*:*:job-queue/{target.job.queue}",
                f"arn:aws:batch:*:*:job-definition/{target.job.definition}",
                f"arn:aws:batch:*:*:job-definition/{target.job.definition}:*",
                f"arn:aws:batch:*:*:job-definition/{target.name}-recloser-*",
            ],
        ),
        _allow("StopTheJob", ["batch:TerminateJob"], ["arn:aws:batch:*:*:job/*"]),
        # AWS judges it on the stream, the sandbox on the group.
        _allow("ReadLogs", ["logs:GetLogEvents"], [_LOG_GROUP, f"{_LOG_GROUP}:*"]),
        _allow("SeeTheJobRole", ["iam:GetRole"], [f"arn:aws:iam::*:role/{target.job.role}"]),
        # Asked before and after every grant. It only asks, and the sandbox judges it on `*`.
        _allow("SimulateTheJobRole", ["iam:SimulatePrincipalPolicy"], ["*"]),
    ]


def _queue(target: Target) -> list[dict[str, object]]:
    if target.watch.event_queue is None:
        return []
    name = target.watch.event_queue.rstrip("/").rsplit("/", 1)[-1]
    return [_allow("HearOfJobs", ["sqs:ReceiveMessage", "sqs:DeleteMessage"], [f"arn:aws:sqs:*:*:{name}"])]


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
    if allowed.pin or allowed.rebuild:
        siblings = [f"arn:aws:batch:*:*:job-definition/{target.name}-recloser-*"]
        passed = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
        role = [f"arn:aws:iam::*:role/{target.job.role}"]
        statements.append(
            _allow("RegisterSiblings", ["batch:RegisterJobDefinition", "batch:DeregisterJobDefinition"], siblings)
        )
        statements.append(_allow("PassTheJobRole", ["iam:PassRole"], role, Condition=passed))
    if allowed.rebuild and target.image.build:
        statements.append(_allow("RemoveUnneededBuilds", ["ecr:BatchDeleteImage"], repository))
    return statements


def _grants(target: Target) -> list[dict[str, object]]:
    if not target.guardrails.permissions.actions:
        return []
    role = [f"arn:aws:iam::*:role/{target.job.role}"]
    return [_allow("GrantInsideTheBoundary", ["iam:PutRolePolicy", "iam:DeleteRolePolicy"], role)]
