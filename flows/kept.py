"""What commands over the store share: where it is, who asks, and how long things are kept."""

from __future__ import annotations

import getpass
from datetime import datetime, timedelta
from typing import Annotated

import typer

from recloser.settings import load_settings
from recloser.store import Store
from recloser.values import utc_now

UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
"""How a person writes a span of time."""

Retention = Annotated[
    int | None, typer.Option("--older-than", min=1, help="Days since they ended; default: RECLOSER_RETENTION_DAYS.")
]


def open_store() -> Store:
    """The store that the settings name."""
    return Store.open(load_settings().database_url)


def kept_since(older_than: int | None) -> datetime:
    """The moment before which what has ended is forgotten."""
    return utc_now() - timedelta(days=older_than or load_settings().retention_days)


def this_user() -> str:
    """Who asks, as the machine knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return "unknown"
