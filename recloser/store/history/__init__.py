"""What is kept of a target's nights: cycles, what ran in them, and every attempt of every test."""

from recloser.store.history.repository import History
from recloser.store.history.retention import KEEP_CYCLES, KEEP_DAYS

__all__ = ["KEEP_CYCLES", "KEEP_DAYS", "History"]
