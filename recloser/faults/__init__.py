"""Faults to break a target in the sandbox with: for demonstrations and tests, never for an account.

They act as the sandbox's administrator, because what Recloser runs as may not do most of this.
"""

from recloser.faults.inject import inject
from recloser.faults.models import Expectation, Fault, FaultError, find_fault, load_faults

__all__ = ["Expectation", "Fault", "FaultError", "find_fault", "inject", "load_faults"]
