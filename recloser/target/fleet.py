"""How jobs that failed together are resubmitted."""

from typing import Annotated

from pydantic import AfterValidator, Field

from recloser.target.base import Declared


def _own_variable(value: str) -> str:
    if not value.isidentifier() or value.upper().startswith("AWS_BATCH"):
        raise ValueError(f"{value!r} is not a variable a submission may set; Batch keeps AWS_BATCH… to itself")
    return value


class Fleet(Declared):
    """The `[fleet]` table."""

    index_variable: Annotated[str, AfterValidator(_own_variable)] | None = None
    """A variable from which the job takes its index instead of AWS_BATCH_JOB_ARRAY_INDEX, which only Batch may set.
    With it the failed children of an array are resubmitted one by one; without it, the whole array is."""
    max_jobs: int = Field(default=1_000, ge=1, le=10_000)
    """How many failed jobs one command takes on."""
