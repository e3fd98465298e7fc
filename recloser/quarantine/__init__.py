"""The quarantine: a file of tests that run, are shown, and do not block, each with owner, reason, expiry and evidence.

    nights → proposals, releases (candidates) → apply (turnover) → the file (register, entries, document)

It imports the heavy parts of the analysis in `candidates` only, which is therefore not re-exported here.
"""

from recloser.quarantine.entries import made
from recloser.quarantine.errors import QuarantineError
from recloser.quarantine.register import Quarantine, load_quarantine
from recloser.quarantine.turnover import SCOPE, Turnover, apply, expiry_findings

__all__ = ["SCOPE", "Quarantine", "QuarantineError", "Turnover", "apply", "expiry_findings", "load_quarantine", "made"]
