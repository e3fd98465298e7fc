"""An incident: what failed, why, what was changed, and how it ended."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from recloser.values.base import Value
from recloser.values.cause import Cause
from recloser.values.job import JobSnapshot, JobState, JobTableRow, LogTail
from recloser.values.memory import Recurrence, Standing
from recloser.values.patch import Patch


class FixMode(StrEnum):
    """How far Recloser may go by itself."""

    AUTO = "auto"
    """Apply what lies within the guardrails."""
    MANUAL = "manual"
    """Ask a person before every change."""
    REPORT_ONLY = "report-only"
    """Change nothing; say what would be done."""


class AutonomyLevel(StrEnum):
    """How much consent a remedy needs."""

    RETRY = "A0"
    """Resubmit unchanged."""
    REVERSIBLE = "A1"
    """A change within caps that can be undone."""
    APPROVAL = "A2"
    """A proposal with an exact diff; a person approves, or the target's guardrails did in advance."""
    EXPLAIN = "A3"
    """An explanation only; nothing is written."""


class Verdict(StrEnum):
    """How an incident ended."""

    OPEN = "open"
    HEALTHY = "healthy"
    """The first attempt succeeded; nothing was changed."""
    HEALED = "healed"
    LOCKED_OUT = "locked-out"
    """Nothing safe is left to try; a person must act."""
    CANCELLED = "cancelled"
    """A person cancelled the healing, and its job was terminated as the target asks."""
    EXHAUSTED = "exhausted"
    """The iterations are used up."""
    REPORTED = "reported"
    """Report-only: the failure is explained, nothing was changed."""

    @property
    def is_success(self) -> bool:
        """Whether the job works now."""
        return self in {Verdict.HEALTHY, Verdict.HEALED}


class OutputCheck(Value):
    """Whether one declared output is there and valid."""

    uri: str
    ok: bool
    detail: str


class Evidence(Value):
    """All that was seen of one ended attempt; whatever could not be read is named in `gaps`."""

    job: JobSnapshot
    log: LogTail = LogTail()
    row: JobTableRow | None = None
    outputs: tuple[OutputCheck, ...] = ()
    gaps: tuple[str, ...] = ()
    collected_at: datetime


class EvidenceLine(Value):
    """One piece of text a diagnosis rests on, and where it was found."""

    source: str
    """`status reason`, `container reason`, `exit code`, `log`, `outputs`, `probe`, `memory`,
    or for a line of the log that it is not in the log of the last good run."""
    text: str


class RuledOut(Value):
    """A cause that was considered and refuted."""

    cause: Cause
    why: str
    refuted: bool = False
    """The account itself said so; else it is only less likely than another cause."""


class Diagnosis(Value):
    """Why an attempt failed, how sure that is, and what it rests on."""

    cause: Cause
    signature: str
    """The id of the signature that matched; `none` when none did."""
    subject: str = ""
    """What the cause is about: a variable's name, an action and its resources, an image's repository…"""
    summary: str
    confidence: float = Field(ge=0, le=1)
    evidence: tuple[EvidenceLine, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    not_checked: tuple[str, ...] = ()
    facts: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Named captures of the signature, for the remedies."""
    remedies: tuple[str, ...] = ()
    """Names of the remedies the signature allows, best first; ordered by their record once memory was asked."""
    seen: Recurrence | None = None
    """Earlier incidents that showed the same; None where there are none, or memory was not asked."""
    standings: tuple[Standing, ...] = ()
    """The record of each remedy the signature allows, best first, retired ones last."""

    @property
    def problem(self) -> tuple[Cause, str]:
        """What makes two failures the same problem: a fix that leaves it unchanged was ineffective."""
        return self.cause, self.subject

    @property
    def remembered(self) -> tuple[str, ...]:
        """What past incidents say of it, one sentence each: how often it was seen, and what worked."""
        seen = () if self.seen is None else (self.seen.said,)
        return (*seen, *(standing.said for standing in self.standings if standing.tried))


class ChangeState(StrEnum):
    """The life of a change; it is stored as `planned` before anything is written to the account."""

    PLANNED = "planned"
    DECLINED = "declined"
    """A person, or report-only, said no: nothing was written."""
    APPLIED = "applied"
    VERIFIED = "verified"
    """Read back from the account and found in place."""
    FAILED = "failed"
    """It could not be applied or verified; whatever was written has been taken back."""
    REVERTED = "reverted"
    """Taken back, because it did not help or because it is no longer needed."""
    WITHHELD = "withheld"
    """Taken back for a trial run without it: put back if the trial fails, or if its process dies."""
    UNDONE = "undone"
    """The process died while applying it; whatever had been written was taken back, and it may be planned again."""


class ChangeRecord(Value):
    """A change as a person reads it; the change itself is kept beside it in the store."""

    change_id: str
    attempt: int
    """The attempt whose failure it answers."""
    remedy: str
    level: AutonomyLevel
    summary: str
    diff: str
    """Unified diff of what is changed; never shows an environment value."""
    permanent: str
    """How to make it permanent."""
    undo: str
    """How to take it back by hand."""
    cost: str = ""
    """What it costs while it is in force."""
    blast_radius: str = ""
    """Who else it touches."""
    cause: Cause
    state: ChangeState
    note: str = ""
    planned_at: datetime
    settled_at: datetime | None = None
    """When it reached its present state."""


class AttemptRecord(Value):
    """One submission of the job and what came of it."""

    number: int = Field(ge=1)
    job_name: str
    job_id: str | None = None
    """None while the submission is only intended, and when it was refused."""
    refused: bool = False
    """Batch did not take the submission; the status reason says why."""
    state: JobState | None = None
    region: str | None = None
    """Where it was submitted, if not in the region its target was found in."""
    definition: str
    image: str | None = None
    memory_mib: int | None = None
    exit_code: int | None = None
    status_reason: str | None = None
    container_reason: str | None = None
    submitted_at: datetime
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    detected_at: datetime | None = None
    """When Recloser knew that the attempt had ended."""
    collected_at: datetime | None = None
    diagnosed_at: datetime | None = None
    accepted_at: datetime | None = None
    """When Batch had answered the submission with a job id."""
    rested_s: float = 0
    """How long was waited after it on purpose: a retry's pause, a grant's time to take effect."""
    vcpus: float | None = None
    ran_s: float | None = None
    """How long its containers ran, all attempts that Batch itself made together."""
    tries: int = 1
    """How many attempts Batch itself made."""
    retry_limit: int | None = None
    """How many its retry strategy allows, where it has one."""
    cost_usd: float | None = None
    """What it cost by the declared prices; None without a price, a size or a running time."""
    masked_by: Cause | None = None
    """The cause that hid this one until it was cleared."""
    without: tuple[str, ...] = ()
    """Ids of the changes that were left out to see whether they are needed: this attempt was a trial."""
    abandoned: str = ""
    """Why its outcome does not count, where it does not."""
    outputs: tuple[OutputCheck, ...] = ()
    diagnosis: Diagnosis | None = None
    log_excerpt: tuple[str, ...] = ()

    @property
    def is_stuck(self) -> bool:
        """Whether its job was no longer waited for, although it had not ended."""
        return self.state is not None and not self.state.is_terminal

    @property
    def succeeded(self) -> bool:
        """Whether the job succeeded and left its declared outputs."""
        return self.state is JobState.SUCCEEDED and all(check.ok for check in self.outputs)


class Turn(Value):
    """One turn of the loop, from a failure seen to the next job accepted, without the job's own time; in seconds."""

    attempt: int
    """The attempt whose failure it answers."""
    collect_s: float
    diagnose_s: float
    decide_s: float
    """Plan, ask, apply and verify; a person's thinking included."""
    submit_s: float
    total_s: float
    """All of it, without what was waited on purpose."""
    rested_s: float
    """What was waited on purpose: a retry's pause, a grant's time to take effect."""


class Money(Value):
    """What an incident cost, and what it did not, by the target's price table."""

    spent_usd: float
    unpriced_attempts: int = 0
    """Attempts that could not be priced, because Batch told no size or no running time."""
    refused_retries: int
    """Unchanged retries that a plain policy would have made, and that could not have helped."""
    saved_usd: float
    """What those would have cost."""
    rule: str
    """How the refused retries were counted."""
    prices: str
    """Where the prices come from, and of when."""


class Metrics(Value):
    """The figures an incident is judged by."""

    attempts: int
    changes_applied: int
    changes_reverted: int
    manual_interventions: int
    time_to_detect_s: float | None
    """Mean time from a failed attempt's end to Recloser knowing of it."""
    time_to_recover_s: float | None
    """From the first failed attempt's end to the success; None without both."""
    wall_s: float
    turns: tuple[Turn, ...] = ()
    turn_s: float | None = None
    """The median turn of the loop; None if there was none."""


class FleetJob(Value):
    """One failed job and what became of its work."""

    source_id: str
    """The failed job, or the array whose children failed."""
    index: int | None = None
    """Its index, where one child of an array is resubmitted by itself."""
    whole_array: bool = False
    """Whether it is an array, resubmitted with all its children."""
    name: str
    """Of the resubmission; it is looked for by this name before it is submitted again."""
    job_id: str | None = None
    """The resubmission; None while it is only intended."""
    state: JobState | None = None
    exit_code: int | None = None
    reason: str = ""
    """Why it failed again, or was not submitted."""
    failed_usd: float | None = None
    """What the failed run cost."""
    cost_usd: float | None = None
    """What the resubmission cost."""


class Fleet(Value):
    """Jobs that failed for one cause: one diagnosis, one change, and all of them resubmitted with it."""

    queue: str
    definition: str
    fingerprint: str
    """What the failures have in common."""
    began_at: datetime | None = None
    """When the others began to be resubmitted, after the first had proved the change."""
    jobs: tuple[FleetJob, ...]

    def count(self, *states: JobState) -> int:
        """How many resubmissions are in one of these states."""
        return sum(job.state in states for job in self.jobs)


class Incident(Value):
    """One run of the heal loop over one target, from the first submission to the verdict."""

    incident_id: str
    target: str
    fix_mode: FixMode
    iterations: int = Field(ge=1)
    test_data: bool = False
    minimise: bool = False
    """Whether changes that were not needed are to be found and taken back."""
    opened_at: datetime
    closed_at: datetime | None = None
    verdict: Verdict = Verdict.OPEN
    reason: str = ""
    """Why it ended as it did, for the person who must act."""
    attempts: tuple[AttemptRecord, ...] = ()
    changes: tuple[ChangeRecord, ...] = ()
    metrics: Metrics | None = None
    fleet: Fleet | None = None
    """The jobs that failed together, where it is not about one job alone."""
    patch: Patch | None = None
    """What makes the fix permanent, where there is something to keep."""
    money: Money | None = None
    """None where the target declares no prices."""
