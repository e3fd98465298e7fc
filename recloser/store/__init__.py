"""What is remembered: incidents with their attempts and changes, in SQLite by default, in PostgreSQL by URL."""

from recloser.store.errors import StoreError
from recloser.store.repository import Store

__all__ = ["Store", "StoreError"]
