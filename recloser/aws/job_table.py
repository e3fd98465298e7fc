"""The DynamoDB table in which jobs report their own progress."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from recloser.aws.errors import NotFound
from recloser.aws.translation import sensible, translated
from recloser.redaction import clean
from recloser.values import JobTableRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

_MILLISECONDS_FROM = 1e11
"""Epoch numbers above this are milliseconds: as seconds they would lie beyond the year 5000."""


class JobTableGateway:
    """Reads of the job table."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._client = client

    def row(self, table: str, job_id: str, *, key: str, status: str, phase: str, heartbeat: str) -> JobTableRow | None:
        """What a job last said of itself.

        Args:
            table: Name of the table.
            job_id: Value of its key.
            key: Name of the key's attribute; the others name the attributes to read.
            status: Attribute with the job's status.
            phase: Attribute with what it is doing.
            heartbeat: Attribute with the time of its last sign of life: ISO 8601, or seconds or milliseconds
                since 1970.

        Returns:
            The row, or None if the job has not written one; a heartbeat that is no time is left out.

        Raises:
            NotFound: There is no such table.
        """
        with translated("dynamodb", "GetItem"):
            answer = self._client.get_item(TableName=table, Key={key: {"S": job_id}}, ConsistentRead=True)
        with sensible("dynamodb", "GetItem"):
            item = answer.get("Item")
            if item is None:
                return None
            return JobTableRow(
                job_id=job_id,
                status=_text(item, status) or "",
                phase=_text(item, phase),
                heartbeat_at=_time(_text(item, heartbeat)),
            )

    def exists(self, table: str) -> bool:
        """Whether there is such a table."""
        try:
            with translated("dynamodb", "DescribeTable"):
                self._client.describe_table(TableName=table)
        except NotFound:
            return False
        return True


def _text(item: Mapping[str, Any], name: str) -> str | None:
    value = item.get(name, {})
    text = value.get("S", value.get("N"))
    return None if text is None else clean(str(text))


def _time(text: str | None) -> datetime | None:
    try:
        return None if text is None else _number_time(text) or _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError, OSError):
        return None


def _number_time(text: str) -> datetime | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return datetime.fromtimestamp(number / 1000 if number > _MILLISECONDS_FROM else number, UTC)


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
