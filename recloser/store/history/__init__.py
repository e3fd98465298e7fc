"""What is kept of a target's nights: cycles, what ran in them, and every attempt of every test."""

from recloser.store.history.repository import History

__all__ = ["History"]
