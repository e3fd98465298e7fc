"""What is under test: `recloser.toml`, read into validated models."""

from recloser.target.guardrails import (
    NEVER_GRANTED,
    Boundary,
    Guardrails,
    ImageGuardrails,
    MemoryGuardrails,
    PermissionGuardrails,
    RetryGuardrails,
)
from recloser.target.load import TargetError, load_target
from recloser.target.models import (
    CatalogueEntry,
    ImageSource,
    InputFile,
    JobTable,
    JobTarget,
    OutputFile,
    S3Uri,
    Target,
    TestData,
    Watch,
)

__all__ = [
    "NEVER_GRANTED",
    "Boundary",
    "CatalogueEntry",
    "Guardrails",
    "ImageGuardrails",
    "ImageSource",
    "InputFile",
    "JobTable",
    "JobTarget",
    "MemoryGuardrails",
    "OutputFile",
    "PermissionGuardrails",
    "RetryGuardrails",
    "S3Uri",
    "Target",
    "TargetError",
    "TestData",
    "Watch",
    "load_target",
]
