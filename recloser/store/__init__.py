"""What is remembered: incidents with their attempts and changes, in SQLite by default, in PostgreSQL by URL."""

from recloser.store.desk import Desk, desk_in
from recloser.store.errors import HeldError, StoreError
from recloser.store.holding import Hold, is_held
from recloser.store.outbox import Claim, Outbox
from recloser.store.repository import Store

__all__ = ["Claim", "Desk", "HeldError", "Hold", "Outbox", "Store", "StoreError", "desk_in", "is_held"]
