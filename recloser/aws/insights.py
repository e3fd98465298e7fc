"""What a task really used, where its cluster is observed: CloudWatch Container Insights' performance log.

Its events are JSON, one a minute for each task, in `/aws/ecs/containerinsights/CLUSTER/performance`; memory is in MiB
(CloudWatch user guide, Container Insights performance log events for Amazon ECS).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from recloser.aws.errors import NotFound
from recloser.aws.translation import sensible, translated

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_logs import CloudWatchLogsClient

_TASK = re.compile(r":task/(?P<cluster>[A-Za-z0-9_-]{1,255})/(?P<id>[A-Za-z0-9-]{1,64})$")
_PAGES = 20
_LATE_MS = 120_000
"""The last figure of a task comes a minute after it was taken."""


class InsightsGateway:
    """Reads of the performance log."""

    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client

    def peak_memory_mib(self, task_arn: str, *, since: datetime, until: datetime) -> float | None:
        """The most memory that a task was seen to use; None where nothing was measured of it.

        Args:
            task_arn: ARN of the ECS task; one without its cluster tells nothing.
            since: When the task began.
            until: When it ended.

        Raises:
            AwsError: The log cannot be read; a cluster that is not observed has none, and that is no error.
        """
        task = _TASK.search(task_arn)
        if task is None:
            return None
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/ecs/containerinsights/{task['cluster']}/performance",
            filterPattern=f'"{task["id"]}"',
            startTime=int(since.timestamp() * 1000),
            endTime=int(until.timestamp() * 1000) + _LATE_MS,
            PaginationConfig={"MaxItems": _PAGES * 100, "PageSize": 100},
        )
        try:
            with translated("logs", "FilterLogEvents"):
                messages = [event["message"] for page in pages for event in page.get("events", [])]
        except NotFound:
            return None
        with sensible("logs", "FilterLogEvents"):
            return max(filter(None, (_used_mib(message, task["id"]) for message in messages)), default=None)


def _used_mib(message: str, task_id: str) -> float | None:
    told = json.loads(message)
    if told.get("Type") != "Task" or told.get("TaskId") != task_id:
        return None
    return float(told["MemoryUtilized"])
