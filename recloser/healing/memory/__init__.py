"""What past incidents say of the present one, and what the present one leaves for those to come.

    occurrences and outcomes are kept → a failure seen again is recognised → remedies are ranked by their record

The statistics are pure functions; only `consult` and `remember` ask the store.
"""

from recloser.healing.memory.consult import consult, learn, remember
from recloser.healing.memory.outcomes import outcomes_of
from recloser.healing.memory.ranking import standings
from recloser.healing.memory.record import record_of
from recloser.healing.memory.replay import Replayed, replay

__all__ = ["Replayed", "consult", "learn", "outcomes_of", "record_of", "remember", "replay", "standings"]
