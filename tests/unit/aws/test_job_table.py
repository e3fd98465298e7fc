"""What a job says of itself, read with all the tolerance a foreign table needs."""

from datetime import UTC, datetime
from typing import Any

import pytest

from recloser.aws import JobTableGateway, MalformedAnswer, NotFound
from recloser.values import JobTableRow
from tests.unit.aws.wire import Wire

NAMES = {"key": "job_id", "status": "status", "phase": "phase", "heartbeat": "beat"}
TIME = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


@pytest.fixture
def job_table(wire: Wire) -> JobTableGateway:
    """The gateway on the wire."""
    return JobTableGateway(wire.client("dynamodb"))


@pytest.mark.parametrize(
    ("beat", "expected"),
    [
        ({"S": "2026-05-04T03:02:01+00:00"}, TIME),
        ({"S": "2026-05-04T03:02:01Z"}, TIME),
        ({"S": "2026-05-04T05:02:01+02:00"}, TIME),
        ({"S": "2026-05-04T03:02:01"}, TIME),
        ({"N": str(int(TIME.timestamp()))}, TIME),
        ({"N": str(int(TIME.timestamp() * 1000))}, TIME),
        ({"S": "yesterday"}, None),
        ({"N": "1e400"}, None),
        ({"S": "nan"}, None),
        ({"BOOL": True}, None),
        (None, None),
    ],
)
def test_a_row_is_read_whatever_its_heartbeat_looks_like(
    wire: Wire, job_table: JobTableGateway, beat: dict[str, Any] | None, expected: datetime | None
) -> None:
    """Times come as ISO text or as numbers; what is no time is left out."""
    item = {"job_id": {"S": "j"}, "status": {"S": "RUN\x1b[0mNING"}, "phase": {"S": "solve"}}
    wire.answer({"Item": item | ({"beat": beat} if beat else {})})
    row = job_table.row("jobs", "j", **NAMES)
    assert row == JobTableRow(job_id="j", status="RUNNING", phase="solve", heartbeat_at=expected)
    assert wire.requests[0].json == {"TableName": "jobs", "Key": {"job_id": {"S": "j"}}, "ConsistentRead": True}


def test_a_job_that_has_not_reported_has_no_row(wire: Wire, job_table: JobTableGateway) -> None:
    """An absent row is an answer."""
    wire.answer({})
    assert job_table.row("jobs", "j", **NAMES) is None


def test_a_missing_table_is_an_error_unless_that_is_the_question(wire: Wire, job_table: JobTableGateway) -> None:
    """A wrong table name must not look like a silent job."""
    wire.refuse("ResourceNotFoundException", "Requested resource not found")
    assert job_table.exists("jobs") is False
    with pytest.raises(NotFound):
        job_table.row("jobs", "j", **NAMES)
    wire.answers.clear()
    wire.answer({"Table": {}})
    assert job_table.exists("jobs") is True


def test_nonsense_is_a_typed_error(wire: Wire, job_table: JobTableGateway) -> None:
    """A row that is no map of typed attributes cannot be read."""
    wire.answer({"Item": "row"})
    with pytest.raises(MalformedAnswer):
        job_table.row("jobs", "j", **NAMES)
