"""The values that rooms hand each other: frozen, validated, and free of behaviour that needs anything else.

This package imports nothing of ours, so every room may import it.
"""

from recloser.values.base import Value, utc_now
from recloser.values.cause import Cause, CauseClass
from recloser.values.container import Capacity, Container, ContainerEdits, Platform
from recloser.values.incident import (
    AttemptRecord,
    AutonomyLevel,
    ChangeRecord,
    ChangeState,
    Diagnosis,
    Evidence,
    EvidenceLine,
    FixMode,
    Fleet,
    FleetJob,
    Incident,
    Metrics,
    Money,
    OutputCheck,
    RuledOut,
    Turn,
    Verdict,
)
from recloser.values.job import (
    FailedJob,
    JobAttempt,
    JobDefinition,
    JobSnapshot,
    JobSpec,
    JobState,
    JobTableRow,
    LogLine,
    LogTail,
)
from recloser.values.memory import Label, Occurrence, Outcome, Recurrence, Standing
from recloser.values.patch import DefinitionPatch, Patch, RolePolicy, placeholder
from recloser.values.queue import ComputeEnvironment, JobQueue

__all__ = [
    "AttemptRecord",
    "AutonomyLevel",
    "Capacity",
    "Cause",
    "CauseClass",
    "ChangeRecord",
    "ChangeState",
    "ComputeEnvironment",
    "Container",
    "ContainerEdits",
    "DefinitionPatch",
    "Diagnosis",
    "Evidence",
    "EvidenceLine",
    "FailedJob",
    "FixMode",
    "Fleet",
    "FleetJob",
    "Incident",
    "JobAttempt",
    "JobDefinition",
    "JobQueue",
    "JobSnapshot",
    "JobSpec",
    "JobState",
    "JobTableRow",
    "Label",
    "LogLine",
    "LogTail",
    "Metrics",
    "Money",
    "Occurrence",
    "Outcome",
    "OutputCheck",
    "Patch",
    "Platform",
    "Recurrence",
    "RolePolicy",
    "RuledOut",
    "Standing",
    "Turn",
    "Value",
    "Verdict",
    "placeholder",
    "utc_now",
]
