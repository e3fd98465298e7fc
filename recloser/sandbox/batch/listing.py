"""ListJobs: which jobs a request selects, in which order, in pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from recloser.sandbox.batch import resources
from recloser.sandbox.batch.model import BatchError, Document, NotServedError, name_in
from recloser.sandbox.batch.paging import position_in, size_of, token_of
from recloser.sandbox.batch.scheduler import QUEUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from recloser.sandbox.batch.context import Context

_PAGE: Final = 1000
_FILTERED_PAGE: Final = 100
_OWNERS: Final = ("jobQueue", "arrayJobId", "multiNodeJobId")
_SUMMARY: Final = (
    "jobArn",
    "jobId",
    "jobName",
    "createdAt",
    "shareIdentifier",
    "status",
    "statusReason",
    "startedAt",
    "stoppedAt",
    "arrayProperties",
    "jobDefinition",
    "isCancelled",
    "isTerminated",
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows of the job table."""

    condition: str
    values: tuple[object, ...]
    newest_first: bool = True

    def where(self, condition: str, *values: object) -> Selection:
        """Those of them for which this holds too."""
        return Selection(f"{self.condition} AND {condition}", (*self.values, *values), self.newest_first)


def list_jobs(context: Context, request: Document) -> Document:
    """List jobs of a queue, newest first, or children of an array: in one state, RUNNING by default, or filtered."""
    limit = size_of(request, _FILTERED_PAGE if request.get("filters") else _PAGE)
    after = position_in(request, 0) or None
    found = context.store.page(_selection(context, request), after, limit + 1)
    documents = [context.scheduler.arrays.up_to_date(document) for _, document in found[:limit]]
    answer: Document = {"jobSummaryList": [_summary(document) for document in documents]}
    if len(found) > limit:
        answer["nextToken"] = token_of(found[limit - 1][0])
    return answer


def _selection(context: Context, request: Document) -> Selection:
    given = [name for name in _OWNERS if request.get(name)]
    if len(given) != 1:
        raise BatchError(f"exactly one of {', '.join(_OWNERS)} is required, got {', '.join(given) or 'none'}")
    status, filters = request.get("jobStatus"), request.get("filters", [])
    if "arrayJobId" in given:
        if filters:
            raise BatchError("filters do not apply to children; leave them out, or give jobQueue instead of arrayJobId")
        children = Selection("parent = ? AND region = ?", (request["arrayJobId"], context.region), newest_first=False)
        return children.where("status = ?", status or "RUNNING")
    if "multiNodeJobId" in given:
        raise NotServedError("ListJobs.multiNodeJobId")
    queue = resources.find(context, QUEUE, request["jobQueue"])["jobQueueArn"]
    jobs = Selection("queue = ? AND parent IS NULL", (queue,))
    if not filters:
        return jobs.where("status = ?", status or "RUNNING")
    name, value = _filter(filters)
    filtered = _FILTERS[name](jobs, value)
    return filtered.where("status = ?", status) if status and name == "SHARE_IDENTIFIER" else filtered


def _filter(filters: list[Document]) -> tuple[str, str]:
    values = [value for entry in filters for value in entry.get("values", [])]
    if len(filters) != 1 or len(values) != 1:
        raise BatchError(f"filters should be one filter with one value, got {len(filters)} with {len(values)}")
    name = filters[0].get("name")
    if name not in _FILTERS:
        raise BatchError(f"filters[0].name should be one of {', '.join(_FILTERS)}, got {name!r}")
    return name, values[0]


def _by_name(jobs: Selection, value: str) -> Selection:
    return _fitting(jobs, "name", value.lower())


def _by_definition(jobs: Selection, value: str) -> Selection:
    if value.startswith("arn:"):
        if value.endswith("*"):
            raise BatchError(f"filters[0].values: '*' is not allowed in an ARN, got {value!r}")
        return jobs.where("definition = ?", name_in(value, "job-definition"))
    # the name without its revision
    return _fitting(jobs, "substr(definition, 1, instr(definition, ':') - 1)", value)


def _fitting(jobs: Selection, column: str, pattern: str) -> Selection:
    if not pattern.endswith("*"):
        return jobs.where(f"{column} = ?", pattern)
    return jobs.where(f"substr({column}, 1, ?) = ?", len(pattern) - 1, pattern[:-1])


def _before(jobs: Selection, value: str) -> Selection:
    return jobs.where("created < ?", _milliseconds(value))


def _after(jobs: Selection, value: str) -> Selection:
    return jobs.where("created > ?", _milliseconds(value))


def _milliseconds(value: str) -> int:
    if not re.fullmatch(r"\d{1,15}", value, re.ASCII):
        raise BatchError(f"filters[0].values should be milliseconds since 1970 as text, got {value!r}")
    return int(value)


def _by_share(jobs: Selection, value: str) -> Selection:
    return jobs.where("share = ?", value)


_FILTERS: Final[dict[str, Callable[[Selection, str], Selection]]] = {
    "JOB_NAME": _by_name,
    "JOB_DEFINITION": _by_definition,
    "BEFORE_CREATED_AT": _before,
    "AFTER_CREATED_AT": _after,
    "SHARE_IDENTIFIER": _by_share,
}


def _summary(detail: Document) -> Document:
    container = {key: detail["container"][key] for key in ("exitCode", "reason") if key in detail["container"]}
    return {**{key: detail[key] for key in _SUMMARY if key in detail}, "container": container}
