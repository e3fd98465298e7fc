"""What is under test: `recloser.toml`, read into validated models."""

from recloser.target.load import TargetError, load_target
from recloser.target.models import (
    NEVER_GRANTED,
    CatalogueEntry,
    Guardrails,
    ImageGuardrails,
    ImageSource,
    InputFile,
    JobTable,
    JobTarget,
    MemoryGuardrails,
    OutputFile,
    PermissionGuardrails,
    RetryGuardrails,
    S3Uri,
    Target,
    TestData,
    Watch,
)

__all__ = [
    "NEVER_GRANTED",
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
