"""What may be changed without asking. A remedy whose table is missing is only ever proposed."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from recloser.target.base import Declared

# STS, IAM and KMS rights widen rights themselves; no boundary may declare them.
NEVER_GRANTED = ("iam:", "sts:", "organizations:", "kms:", "account:")


class MemoryGuardrails(Declared):
    """How far a job may grow."""

    max_mib: int = Field(ge=4)
    max_vcpus: float | None = Field(default=None, gt=0)
    """On Fargate more memory can need more vCPUs; without a figure the vCPUs stay as they are."""
    factor: float = Field(default=2.0, gt=1, le=4)
    max_steps: int = Field(default=3, ge=1, le=10)


class ParallelismGuardrails(Declared):
    """The variable that says how many workers the job starts."""

    variable: str = Field(min_length=1)
    minimum: int = Field(default=1, ge=1)


class TimeoutGuardrails(Declared):
    """How long an attempt may become."""

    max_s: int = Field(ge=60)
    factor: float = Field(default=2.0, gt=1, le=4)
    max_steps: int = Field(default=2, ge=1, le=5)


class QueueGuardrails(Declared):
    """Where else the job may run: queues of the same architecture and platform, at a price the owner accepts."""

    fallbacks: tuple[str, ...] = Field(min_length=1)


class RegionGuardrails(Declared):
    """A region where the job may run when its own has no capacity for it, and what it is called there.

    The job definition there says what the job needs of that region: its image, its table, its buckets.
    """

    name: str = Field(pattern=r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$")
    queue: str | None = None
    """The target's own name for it when nothing is said; as for the definition."""
    definition: str | None = None
    event_queue: str | None = None
    """URL of an SQS queue that gets that region's Batch events; without one its jobs are described."""


class GpuGuardrails(Declared):
    """Where a job that forgot to ask for a GPU finds one."""

    queue: str = Field(min_length=1)
    count: int = Field(default=1, ge=1, le=16)


class SharedMemoryGuardrails(Declared):
    """How large `/dev/shm` may become."""

    max_mib: int = Field(ge=1)
    factor: float = Field(default=2.0, gt=1, le=16)
    max_steps: int = Field(default=3, ge=1, le=10)


class DiskGuardrails(Declared):
    """How large the scratch of a Fargate task may become (botocore `EphemeralStorage`: 21 to 200 GiB)."""

    max_gib: int = Field(ge=21, le=200)
    factor: float = Field(default=2.0, gt=1, le=4)
    max_steps: int = Field(default=3, ge=1, le=10)


# The figures PutRetentionPolicy takes (botocore logs `DaysInfo`).
_RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


def _retention(days: int) -> int:
    if days not in _RETENTIONS:
        raise ValueError(f"CloudWatch keeps logs for one of {', '.join(map(str, _RETENTIONS))} days")
    return days


class LogGuardrails(Declared):
    """Which log groups the job may write to, and which remedies for the log driver the owner consents to."""

    groups: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_/.#-]{1,512}$")], ...] = ()
    """By exact name; a definition whose own options cannot work is moved to the first."""
    create_group: bool = False
    fix_options: bool = False
    retention_days: Annotated[int, AfterValidator(_retention)] = 30
    """Of a group that is created."""

    @model_validator(mode="after")
    def _groups_are_named(self) -> Self:
        if (self.create_group or self.fix_options) and not self.groups:
            raise ValueError("create_group and fix_options need groups = [...] with the names they may use")
        return self


class DefinitionGuardrails(Declared):
    """What a sibling job definition or an override may take from the last good run, or leave out."""

    restore_command: bool = False
    unset_static_keys: bool = False
    job_roles: tuple[str, ...] = ()
    """ARNs of roles that a definition without one may be given."""
    architectures: tuple[str, ...] = ()
    """CPU architectures a Fargate definition may be moved to."""


class RequestGuardrails(Declared):
    """Whether a submission that Batch refuses for its form may be put right; its meaning never changes."""

    repair: bool = False


class TrustGuardrails(Declared):
    """Whether ECS tasks of this account may be let into the declared roles again."""

    repair: bool = False


def _grantable_action(value: str) -> str:
    if "*" in value or "?" in value or ":" not in value:
        raise ValueError(f"{value!r} is not one exact action such as s3:GetObject")
    if value.lower().startswith(NEVER_GRANTED):
        raise ValueError(f"{value!r} widens rights by itself and is never granted")
    return value


class Boundary(Declared):
    """What one role may be granted."""

    actions: tuple[Annotated[str, AfterValidator(_grantable_action)], ...] = ()
    resources: tuple[str, ...] = ()
    """ARN patterns; `*` matches any text. Grants themselves always name exact ARNs."""


class PermissionGuardrails(Boundary):
    """The boundary inside which a missing permission may be granted: to the job role, and to others by their table."""

    execution: Boundary = Boundary()
    instance: Boundary = Boundary()
    settle_s: float = Field(default=15.0, ge=0, le=300)
    """How long to wait after a grant: IAM is eventually consistent."""


class ImageGuardrails(Declared):
    """Which image remedies the owner consents to."""

    pin: bool = False
    rebuild: bool = False


class RetryGuardrails(Declared):
    """How a transient failure is retried: full jitter up to `base_s * 2**n`, never above `cap_s`."""

    max: int = Field(default=3, ge=0, le=10)
    base_s: float = Field(default=30.0, ge=0)
    cap_s: float = Field(default=1_800.0, ge=0)


class MinimiseGuardrails(Declared):
    """How much `--minimise` may spend on finding out what was not needed."""

    max_attempts: int = Field(default=5, ge=1, le=50)
    """Runs beyond those that healed the job."""
    max_cost_usd: float | None = Field(default=None, ge=0)
    """What these runs may cost together, by `[prices]`; None means that only their number is limited."""


class Guardrails(Declared):
    """What may be changed without asking; a remedy whose table is missing is only ever proposed."""

    max_changes: int = Field(default=10, ge=0, le=100)
    memory: MemoryGuardrails | None = None
    parallelism: ParallelismGuardrails | None = None
    timeout: TimeoutGuardrails | None = None
    queue: QueueGuardrails | None = None
    regions: tuple[RegionGuardrails, ...] = ()
    """In the order in which they are tried, each once."""
    gpu: GpuGuardrails | None = None
    shared_memory: SharedMemoryGuardrails | None = None
    disk: DiskGuardrails | None = None
    logs: LogGuardrails = LogGuardrails()
    definition: DefinitionGuardrails = DefinitionGuardrails()
    request: RequestGuardrails = RequestGuardrails()
    trust: TrustGuardrails = TrustGuardrails()
    permissions: PermissionGuardrails = PermissionGuardrails()
    image: ImageGuardrails = ImageGuardrails()
    retry: RetryGuardrails = RetryGuardrails()
    minimise: MinimiseGuardrails = MinimiseGuardrails()
