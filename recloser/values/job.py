"""A Batch job as Recloser sees it: what is asked for, and what is known of it.

Environment values are `SecretStr` throughout: a job's environment may hold secrets, and no one who prints a
value must be able to print one by accident.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import Field, SecretStr

from recloser.values.base import Value
from recloser.values.container import Container


class JobState(StrEnum):
    """A Batch job's status, in the order a job passes through them."""

    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @property
    def is_terminal(self) -> bool:
        """Whether the job can change no more."""
        return self in {JobState.SUCCEEDED, JobState.FAILED}


class RetryRule(Value):
    """When Batch itself retries an attempt, or gives up; patterns as `evaluateOnExit` takes them."""

    action: str
    on_status_reason: str | None = None
    on_reason: str | None = None
    on_exit_code: str | None = None


class RetryStrategy(Value):
    """How often Batch itself tries a job."""

    attempts: int = Field(ge=1, le=10)
    rules: tuple[RetryRule, ...] = ()


class JobSpec(Value):
    """One submission as it will be sent to Batch; what is None stays as the job definition says."""

    name: str = Field(min_length=1)
    """Batch takes `[A-Za-z0-9][A-Za-z0-9_-]{0,127}`, and says so of any other."""
    queue: str
    region: str | None = None
    """Where it is submitted, if not in the region its target was found in."""
    definition: str
    """Name (the latest active revision), `name:revision`, or ARN."""
    environment: Mapping[str, SecretStr] = Field(default_factory=dict)
    memory_mib: int | None = Field(default=None, ge=4)
    vcpus: float | None = Field(default=None, gt=0)
    gpus: int | None = Field(default=None, ge=1)
    command: tuple[str, ...] | None = None
    timeout_s: int | None = Field(default=None, ge=60)
    """Batch ends each attempt after so long; it takes no limit under a minute."""
    parameters: Mapping[str, str] = Field(default_factory=dict)
    """What `Ref::name` in the command stands for."""
    array_size: int | None = Field(default=None, ge=1)
    """Batch takes 2 to 10 000."""
    is_sequential: bool = False
    """Of an array: its children run one after the other."""
    retry: RetryStrategy | None = None
    share: str | None = None
    """Whose share of a fair-share queue it uses."""
    priority: int | None = None
    """Its scheduling priority within the share."""
    tags: Mapping[str, str] = Field(default_factory=dict)


class JobAttempt(Value):
    """One attempt that Batch made at a job; any field but the number may be missing for good reasons."""

    number: int = Field(ge=1)
    exit_code: int | None = None
    container_reason: str | None = None
    status_reason: str | None = None
    log_stream: str | None = None
    task_arn: str | None = None
    """The ECS task that ran it."""
    started_at: datetime | None = None
    stopped_at: datetime | None = None


class JobSnapshot(Container):
    """What DescribeJobs knows of a job at one moment: the definition's container with the submission on top."""

    job_id: str
    name: str
    state: JobState
    status_reason: str | None = None
    queue: str
    definition_arn: str
    timeout_s: int | None = None
    log_stream: str | None = None
    """The stream of the latest attempt, from RUNNING on."""
    attempts: tuple[JobAttempt, ...] = ()
    retry_limit: int | None = None
    """How many attempts its retry strategy allows, where it has one."""
    tags: Mapping[str, str] = Field(default_factory=dict)
    array_size: int | None = None
    """How many children it has, if it is an array."""
    is_cancelled: bool = False
    is_terminated: bool = False
    created_at: datetime | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    stuck_s: float | None = None
    """For how long it had not moved when it was no longer waited for; Batch does not say this, whoever watched does."""

    @property
    def last_attempt(self) -> JobAttempt:
        """The attempt to diagnose from; one without facts if Batch recorded none."""
        return self.attempts[-1] if self.attempts else JobAttempt(number=1, status_reason=self.status_reason)


class FailedJob(Value):
    """A failed job as a list of jobs names it."""

    job_id: str
    stopped_at: datetime | None = None
    array_size: int | None = None
    """How many children it has, if it is an array."""


class JobDefinition(Container):
    """One revision of a job definition."""

    arn: str
    name: str
    revision: int
    tags: Mapping[str, str] = Field(default_factory=dict)


class LogLine(Value):
    """One line a job wrote."""

    at: datetime
    text: str


class LogTail(Value):
    """The end of one attempt's log, oldest line first, bounded in lines and in the length of each."""

    stream: str | None = None
    lines: tuple[LogLine, ...] = ()
    note: str | None = None
    """Why there is no log, where there is none; a missing stream is a note, not an error."""


class JobTableRow(Value):
    """What the job says of itself in its DynamoDB job table."""

    job_id: str
    status: str
    phase: str | None = None
    heartbeat_at: datetime | None = None
