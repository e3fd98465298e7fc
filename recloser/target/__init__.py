"""What is under test: `recloser.toml`, read into validated models."""

from recloser.target.fleet import Fleet
from recloser.target.guardrails import (
    NEVER_GRANTED,
    Boundary,
    Guardrails,
    ImageGuardrails,
    MemoryGuardrails,
    MinimiseGuardrails,
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
from recloser.target.prices import Prices, Rate

__all__ = [
    "NEVER_GRANTED",
    "Boundary",
    "CatalogueEntry",
    "Fleet",
    "Guardrails",
    "ImageGuardrails",
    "ImageSource",
    "InputFile",
    "JobTable",
    "JobTarget",
    "MemoryGuardrails",
    "MinimiseGuardrails",
    "OutputFile",
    "PermissionGuardrails",
    "Prices",
    "Rate",
    "RetryGuardrails",
    "S3Uri",
    "Target",
    "TargetError",
    "TestData",
    "Watch",
    "load_target",
]
