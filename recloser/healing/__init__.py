"""Evidence → diagnosis → remedy → verdict: the healing of one failing job.

The room knows AWS only through `recloser.aws`, remembers only through `recloser.store`, and changes nothing that
the target does not declare.
"""

from recloser.healing.casebook import PlannedChange
from recloser.healing.errors import ChangeFailed, HealingError, NotReady, Refused, WatchTimedOut
from recloser.healing.failures import Failures, Group, Selection, find_failures
from recloser.healing.loop import until_minimal, until_settled
from recloser.healing.narration import Narrator, Sighting
from recloser.healing.opening import ask_for, open_fleet, open_healing, unfinished_fleet
from recloser.healing.session import Healing
from recloser.healing.site import Site, prepare
from recloser.healing.treatment import Consent

__all__ = [
    "ChangeFailed",
    "Consent",
    "Failures",
    "Group",
    "Healing",
    "HealingError",
    "Narrator",
    "NotReady",
    "PlannedChange",
    "Refused",
    "Selection",
    "Sighting",
    "Site",
    "WatchTimedOut",
    "ask_for",
    "find_failures",
    "open_fleet",
    "open_healing",
    "prepare",
    "unfinished_fleet",
    "until_minimal",
    "until_settled",
]
