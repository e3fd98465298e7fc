"""What can go wrong with the store, and how a failure below it becomes that."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError, StatementError

from recloser.errors import RecloserError


class StoreError(RecloserError):
    """The store could not be opened, read or written; a call that raises it has changed nothing."""


class HeldError(RecloserError):
    """Another living process heals or tests the target; nothing was done."""


def shown(url: URL) -> str:
    """A database URL as a person may see it: without the password."""
    return url.render_as_string(hide_password=True)


@contextmanager
def reported(url: URL) -> Iterator[None]:
    """Turn what the database or an unreadable row raises into a `StoreError` that shows no stored values."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, ValueError) as error:
        raise StoreError(f"the store {shown(url)} failed: {_gist(error)}") from error


def _gist(error: Exception) -> str:
    if isinstance(error, ValidationError):
        places = (".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False))
        return f"it holds an unreadable {error.title}: see {', '.join(places)}"
    # A statement's own text and parameters stay out of the message: parameters hold log lines and names.
    cause = (isinstance(error, StatementError) and error.orig) or error
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__
