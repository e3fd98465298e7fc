"""What a job definition says that a submission cannot override: what a sibling definition is made for."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field, SecretStr

from recloser.values.base import Value


class Platform(StrEnum):
    """Where a job's containers run."""

    EC2 = "EC2"
    FARGATE = "FARGATE"


class ContainerEdits(Value):
    """In what a sibling job definition differs from the one it copies; None stays as it is."""

    image: str | None = None
    job_role_arn: str | None = None
    shared_memory_mib: int | None = Field(default=None, ge=1)
    ephemeral_gib: int | None = Field(default=None, ge=21, le=200)
    """Scratch of a Fargate task (botocore `EphemeralStorage`)."""
    cpu_architecture: str | None = None
    log_options: Mapping[str, str] = Field(default_factory=dict)
    """Options of the `awslogs` driver to set; the others stay."""
    unset_environment: tuple[str, ...] = ()
    """Names of variables to leave out: an override can replace a variable, not remove it."""


class Container(Value):
    """The part of a job definition that every submission of it shares."""

    image: str | None = None
    command: tuple[str, ...] = ()
    job_role_arn: str | None = None
    execution_role_arn: str | None = None
    platform: Platform = Platform.EC2
    memory_mib: int | None = None
    vcpus: float | None = None
    gpus: int | None = None
    shared_memory_mib: int | None = None
    ephemeral_gib: int | None = None
    cpu_architecture: str | None = None
    log_options: Mapping[str, str] = Field(default_factory=dict)
    environment: Mapping[str, SecretStr] = Field(default_factory=dict)

    def differs_from(self, edits: ContainerEdits) -> tuple[str, ...]:
        """The fields of the edits that are not in force here."""
        wanted = edits.model_dump(exclude_none=True, exclude={"log_options", "unset_environment"})
        wrong = [name for name, value in wanted.items() if getattr(self, name) != value]
        wrong += [name for name, value in edits.log_options.items() if self.log_options.get(name) != value]
        return (*wrong, *(name for name in edits.unset_environment if name in self.environment))


class Capacity(Value):
    """The most that one job may ask of a queue's enabled compute environments; None is not known."""

    max_vcpus: float | None = None
    max_memory_mib: int | None = None
    """Of the largest instance, before what its agent keeps for itself."""
    platform: Platform = Platform.EC2
