"""Evidence → diagnosis → remedy → verdict: the healing of one failing job.

The room knows AWS only through `recloser.aws`, remembers only through `recloser.store`, and changes nothing that
the target does not declare.
"""

from recloser.healing.casebook import PlannedChange
from recloser.healing.errors import ChangeFailed, HealingError, NotReady, Refused, WatchTimedOut
from recloser.healing.narration import Narrator, Sighting
from recloser.healing.opening import ask_for, open_healing
from recloser.healing.session import Healing
from recloser.healing.site import Site, prepare

__all__ = [
    "ChangeFailed",
    "Healing",
    "HealingError",
    "Narrator",
    "NotReady",
    "PlannedChange",
    "Refused",
    "Sighting",
    "Site",
    "WatchTimedOut",
    "ask_for",
    "open_healing",
    "prepare",
]
