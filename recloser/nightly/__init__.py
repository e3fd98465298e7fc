"""A night over one target: its services, data and suites, compared with the last good night, on one page."""

from recloser.nightly.errors import NightlyError
from recloser.nightly.narrator import NightNarrator
from recloser.nightly.night import Night
from recloser.nightly.opening import open_night
from recloser.nightly.page import write_owed
from recloser.nightly.triaging import TriageResult

__all__ = ["Night", "NightNarrator", "NightlyError", "TriageResult", "open_night", "write_owed"]
