"""Test suites run in their own interpreter, and every outcome of every test."""

from recloser.suites.course import SuiteInterruptedError
from recloser.suites.inside.describe import cpus
from recloser.suites.launch import STOPPED
from recloser.suites.probe import run_probe
from recloser.suites.run import run_suite, unverified
from recloser.suites.since import Selection, UnknownRevisionError, changed_since
from recloser.suites.state import code_state, environment_of

__all__ = [
    "STOPPED",
    "Selection",
    "SuiteInterruptedError",
    "UnknownRevisionError",
    "changed_since",
    "code_state",
    "cpus",
    "environment_of",
    "run_probe",
    "run_suite",
    "unverified",
]
