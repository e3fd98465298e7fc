"""What is under test: `recloser.toml`, read into validated models."""

from recloser.target.data import Column, DataSet, Expected, Freshness, Request
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
from recloser.target.load import TargetError, load_system, load_target
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
from recloser.target.services import Healthcheck, Service
from recloser.target.suites import Suite, Threshold
from recloser.target.system import System

__all__ = [
    "NEVER_GRANTED",
    "Boundary",
    "CatalogueEntry",
    "Column",
    "DataSet",
    "Expected",
    "Fleet",
    "Freshness",
    "Guardrails",
    "Healthcheck",
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
    "Request",
    "RetryGuardrails",
    "S3Uri",
    "Service",
    "Suite",
    "System",
    "Target",
    "TargetError",
    "TestData",
    "Threshold",
    "Watch",
    "load_system",
    "load_target",
]
