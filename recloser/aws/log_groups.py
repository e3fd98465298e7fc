"""Log groups in CloudWatch Logs: create one, look for one, take an unused one back."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from recloser.aws.errors import NotFound
from recloser.aws.translation import sensible, translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_logs import CloudWatchLogsClient


class LogGroupsGateway:
    """Calls about one group at a time."""

    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client

    def exists(self, group: str) -> bool:
        """Whether a group of exactly this name is there."""
        with translated("logs", "DescribeLogGroups"):
            answer = self._client.describe_log_groups(logGroupNamePrefix=group)
        with sensible("logs", "DescribeLogGroups"):
            return any(found["logGroupName"] == group for found in answer["logGroups"])

    def create(self, group: str, *, retention_days: int, tags: Mapping[str, str]) -> None:
        """Create a group; one that is there already is no error, and keeps its tags and its retention.

        Args:
            group: Its name.
            retention_days: How long events are kept; CloudWatch takes certain figures only (7, 30, 90, 365…).
            tags: Put on it, so that whoever finds it knows where it comes from.
        """
        if self.exists(group):
            return
        with translated("logs", "CreateLogGroup"):
            self._client.create_log_group(logGroupName=group, tags=dict(tags))
        with translated("logs", "PutRetentionPolicy"):
            self._client.put_retention_policy(logGroupName=group, retentionInDays=retention_days)

    def delete_if_unused(self, group: str, *, tag: tuple[str, str]) -> bool:
        """Delete a group that carries the tag and holds no stream.

        Returns:
            Whether it is gone.
        """
        if not self.exists(group):
            return True
        if self._tags(group).get(tag[0]) != tag[1] or self._has_streams(group):
            return False
        with suppress(NotFound), translated("logs", "DeleteLogGroup"):
            self._client.delete_log_group(logGroupName=group)
        return True

    def _tags(self, group: str) -> Mapping[str, str]:
        with translated("logs", "ListTagsLogGroup"):
            return self._client.list_tags_log_group(logGroupName=group).get("tags", {})

    @translated("logs", "DescribeLogStreams")
    def _has_streams(self, group: str) -> bool:
        return bool(self._client.describe_log_streams(logGroupName=group, limit=1).get("logStreams"))
