"""A job queue and its compute environments, as far as they decide whether a job can be placed."""

from recloser.values.base import Value


class ComputeEnvironment(Value):
    """One compute environment of a queue."""

    name: str
    state: str
    """ENABLED or DISABLED, as its owner set it."""
    status: str
    """VALID, INVALID or on the way, as Batch finds it."""
    reason: str = ""
    kind: str = ""
    """EC2, SPOT, FARGATE or FARGATE_SPOT."""
    max_vcpus: float | None = None
    instance_types: tuple[str, ...] = ()

    @property
    def takes_jobs(self) -> bool:
        """Whether Batch may start a job there."""
        return self.state == "ENABLED" and self.status != "INVALID"

    @property
    def is_fargate(self) -> bool:
        """Whether its containers need no instance of the account."""
        return self.kind.startswith("FARGATE")


class JobQueue(Value):
    """One queue, with its compute environments in their order."""

    name: str
    state: str
    status: str
    reason: str = ""
    environments: tuple[ComputeEnvironment, ...] = ()

    @property
    def takes_jobs(self) -> bool:
        """Whether Batch may start its jobs."""
        return self.state == "ENABLED" and self.status != "INVALID"
