"""What is under test: `recloser.toml`, read into validated models."""

from recloser.target.alerts import Alerts
from recloser.target.data import Column, DataSet, Expected, Freshness, Generate, Request
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
from recloser.target.notify import (
    ChannelTable,
    FolderChannel,
    Issues,
    MailChannel,
    Notify,
    PagerChannel,
    SlackChannel,
)
from recloser.target.prices import Prices, Rate
from recloser.target.quarantine import QuarantineRules
from recloser.target.services import Healthcheck, Service
from recloser.target.suites import Suite, Threshold
from recloser.target.system import System
from recloser.target.triage import Triage

__all__ = [
    "NEVER_GRANTED",
    "Alerts",
    "Boundary",
    "CatalogueEntry",
    "ChannelTable",
    "Column",
    "DataSet",
    "Expected",
    "Fleet",
    "FolderChannel",
    "Freshness",
    "Generate",
    "Guardrails",
    "Healthcheck",
    "ImageGuardrails",
    "ImageSource",
    "InputFile",
    "Issues",
    "JobTable",
    "JobTarget",
    "MailChannel",
    "MemoryGuardrails",
    "MinimiseGuardrails",
    "Notify",
    "OutputFile",
    "PagerChannel",
    "PermissionGuardrails",
    "Prices",
    "QuarantineRules",
    "Rate",
    "Request",
    "RetryGuardrails",
    "S3Uri",
    "Service",
    "SlackChannel",
    "Suite",
    "System",
    "Target",
    "TargetError",
    "TestData",
    "Threshold",
    "Triage",
    "Watch",
    "load_system",
    "load_target",
]
