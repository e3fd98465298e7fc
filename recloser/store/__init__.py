"""What is remembered: incidents with their attempts and changes, in SQLite by default, in PostgreSQL by URL."""

from recloser.store.desk import Desk, desk_in
from recloser.store.errors import StoreError
from recloser.store.outbox import Claim, Outbox
from recloser.store.repository import Store

__all__ = ["Claim", "Desk", "Outbox", "Store", "StoreError", "desk_in"]
