"""The shape of `recloser.toml`.

Everything Recloser may do to somebody's account is declared here by its owner: which variables may be set and
where their values come from, which permissions may be granted on what, how large a job may become. What is not
declared is not done.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from recloser.target.base import Declared
from recloser.target.fleet import Fleet
from recloser.target.guardrails import Guardrails
from recloser.target.prices import Prices  # noqa: TC001 - pydantic reads the annotations
from recloser.target.system import System


def _s3_uri(value: str) -> str:
    if not value.startswith("s3://") or not value.removeprefix("s3://").split("/")[0]:
        raise ValueError("expected s3://BUCKET/KEY")
    return value


S3Uri = Annotated[str, AfterValidator(_s3_uri)]
"""`s3://bucket/key`; `{job_id}` in it stands for the id Batch gave the job."""


class JobTarget(Declared):
    """The Batch job."""

    queue: str = Field(min_length=1)
    definition: str = Field(min_length=1)
    role: str = Field(min_length=1)
    """Name of the role the container runs as."""
    execution_role: str | None = None
    """Name of the role that pulls the image, reads secrets and writes the log; on EC2 without one, the instance's."""
    instance_role: str | None = None
    """Name of the role of the queue's instances."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Sent with every submission. Secrets do not belong here; see the catalogue's `from_env`."""
    name: str | None = None
    """What job names begin with; the target's name when nothing is said."""
    command: tuple[str, ...] | None = None
    """Instead of the definition's."""
    memory_mib: int | None = Field(default=None, ge=4)
    """Instead of the definition's."""
    vcpus: float | None = Field(default=None, gt=0)
    """Instead of the definition's."""
    timeout_s: int | None = Field(default=None, ge=60)
    """Instead of the definition's."""
    array_size: int | None = Field(default=None, ge=1, le=10_000)
    regions: tuple[str, ...] = ()
    """Other regions the job may live in; they are looked at when its queue or definition is not found."""


class JobTable(Declared):
    """The DynamoDB table the job reports to, and the names of its attributes."""

    name: str
    key: str = "job_id"
    status: str = "status"
    phase: str = "phase"
    heartbeat: str = "heartbeat_at"


class Watch(Declared):
    """How an attempt is watched."""

    poll_s: float = Field(default=10.0, ge=0.05, le=300)
    timeout_s: float = Field(default=86_400.0, gt=0)
    """No wait is unbounded: after this long without an end the attempt is given up and reported."""
    runnable_s: float = Field(default=1_800.0, gt=0)
    """A job that is RUNNABLE for so long is examined: it may be at fault, its queue, or the account."""
    starting_s: float = Field(default=1_800.0, gt=0)
    """The same of a job that is STARTING."""
    silent_s: float | None = Field(default=None, gt=0)
    """The same of a job that is RUNNING without a new log line or heartbeat; None where jobs may be silent."""
    event_queue: str | None = Field(default=None, pattern=r"^https?://")
    """URL of the SQS queue that a rule for Batch's state changes fills; without it, jobs are described every
    `poll_s`. A queue has one reader: events of jobs that are not watched here are left for 30 s and come back."""
    sweep_s: float = Field(default=60.0, ge=1, le=600)
    """With a queue: how often all watched jobs are described all the same, because events can be lost."""
    list_lag_s: float = Field(default=60.0, ge=0, le=600)
    """How long Batch may not list a job that it has accepted; waited out before a lost submission is repeated."""
    on_cancel: Literal["terminate", "leave"] = "terminate"
    """What becomes of a running job when its healing is cancelled; a job that was left is taken up again."""
    log_lines: int = Field(default=400, ge=20, le=10_000)
    """How many lines of the end of the log are kept as evidence."""
    job_table: JobTable | None = None


class ImageSource(Declared):
    """Where the job's image comes from."""

    repository: str
    """Name of the ECR repository."""
    last_good: str | None = None
    """Tag used when no successful attempt is on record."""
    build: tuple[str, ...] = ()
    """Argument vector that builds and publishes `{tag}`; run in the target's folder, never through a shell."""
    codebuild: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{1,254}$")
    """Name of a CodeBuild project that builds and publishes the tag in its variable `IMAGE_TAG`, instead of `build`."""

    @model_validator(mode="after")
    def _one_builder(self) -> Self:
        if self.build and self.codebuild:
            raise ValueError("give one of `build` and `codebuild`")
        return self


class InputFile(Declared):
    """An object the job reads."""

    uri: S3Uri
    known_good: Path | None = None
    restore: bool = False
    """Leave to upload the known-good file where the object is missing or empty."""

    @model_validator(mode="after")
    def _restore_needs_a_file(self) -> Self:
        if self.restore and self.known_good is None:
            raise ValueError("restore = true needs a known_good file")
        return self


class OutputFile(Declared):
    """An object a successful run leaves behind."""

    uri: S3Uri
    format: Literal["csv", "json", "any"] = "any"
    columns: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    min_rows: int = Field(default=0, ge=0)


class TestData(Declared):
    """How fresh inputs are made, and how the job is pointed at them."""

    __test__ = False  # not a test class, whatever its name says

    command: tuple[str, ...] = Field(min_length=1)
    """Argument vector; `{python}`, `{seed}` and `{dir}` are filled in."""
    prefix: S3Uri
    variable: str


class CatalogueEntry(Declared):
    """Where the value of one environment variable may come from; exactly one source."""

    value: SecretStr | None = None
    from_env: str | None = None
    """Name of a variable in the environment of `recloser` itself; for secrets."""
    why: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.value is None) == (self.from_env is None):
            raise ValueError("give exactly one of `value` and `from_env`")
        return self


class Target(System):
    """A system whose heart is a Batch job."""

    job: JobTarget
    watch: Watch = Watch()
    image: ImageSource | None = None
    inputs: tuple[InputFile, ...] = ()
    outputs: tuple[OutputFile, ...] = ()
    test_data: TestData | None = None
    catalogue: dict[str, CatalogueEntry] = Field(default_factory=dict)
    guardrails: Guardrails = Guardrails()
    fleet: Fleet = Fleet()
    prices: Prices | None = None
    """What attempts cost; without it no figure is given."""
    signatures: Path | None = None
    """A file of this target's own failure signatures; they are tried before the catalogue's."""

    def in_region(self, region: str) -> Target:
        """The target as it is called in another region."""
        there = next((one for one in self.guardrails.regions if one.name == region), None)
        if there is None:
            return self
        names = {"queue": there.queue or self.job.queue, "definition": there.definition or self.job.definition}
        job, watch = self.job.model_copy(update=names), {"event_queue": there.event_queue}
        return self.model_copy(update={"job": job, "watch": self.watch.model_copy(update=watch)})

    @model_validator(mode="after")
    def _a_limit_of_money_needs_prices(self) -> Self:
        if self.guardrails.minimise.max_cost_usd is not None and self.prices is None:
            raise ValueError("guardrails.minimise.max_cost_usd needs a [prices] table to count by")
        return self
