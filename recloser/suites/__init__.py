"""Test suites run in their own interpreter, and every outcome of every test."""

from recloser.suites.probe import run_probe
from recloser.suites.run import SuiteInterruptedError, run_suite
from recloser.suites.state import code_state, environment_of

__all__ = ["SuiteInterruptedError", "code_state", "environment_of", "run_probe", "run_suite"]
