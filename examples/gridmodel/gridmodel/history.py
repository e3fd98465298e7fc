"""What was asked and answered, in PostgreSQL, when a URL is given.

The service works without it: what cannot be written is logged and missed, and health says `degraded`. After a failure
the database is left alone for a while, so that it does not slow every request down. Its errors may repeat the URL and
its password, so that only their type is ever told.
"""

import logging
import threading
import time
from contextlib import suppress

import orjson

try:
    import psycopg
except ImportError:  # the core needs no database
    psycopg = None

logger = logging.getLogger(__name__)
PAUSE_S = 5.0
CONNECT_TIMEOUT_S = 2
TABLE = """
    CREATE TABLE IF NOT EXISTS gridmodel_history (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT now(),
        endpoint text NOT NULL,
        asked jsonb NOT NULL,
        answered jsonb NOT NULL,
        elapsed_ms double precision NOT NULL
    )
"""


class UnavailableError(Exception):
    """The database cannot be reached now."""


class History:
    """The table, behind one connection."""

    def __init__(self, url):
        if psycopg is None:
            raise RuntimeError("GRIDMODEL_HISTORY_URL needs the package psycopg")
        self._url = url
        self._lock = threading.Lock()
        self._connection = None
        self._retry_at = 0.0

    def state(self):
        """`ok`, or `unavailable`."""
        try:
            self._execute("SELECT 1")
        except UnavailableError:
            return "unavailable"
        return "ok"

    def add(self, endpoint, asked, answered, elapsed_ms):
        """Remember an answer; what cannot be remembered is logged."""
        row = (endpoint, orjson.dumps(asked).decode(), orjson.dumps(answered).decode(), elapsed_ms)
        statement = (
            "INSERT INTO gridmodel_history (endpoint, asked, answered, elapsed_ms) VALUES (%s, %s, %s, %s) RETURNING id"
        )
        try:
            self._execute(statement, row)
        except UnavailableError as error:
            logger.warning("not remembered: %s: %s", endpoint, error)

    def latest(self, limit):
        """The last answers, the newest first.

        Raises:
            UnavailableError: The database cannot be reached.
        """
        columns = ("id", "at", "endpoint", "asked", "answered", "elapsed_ms")
        statement = f"SELECT {', '.join(columns)} FROM gridmodel_history ORDER BY id DESC LIMIT %s"  # noqa: S608
        return [dict(zip(columns, row, strict=True)) for row in self._execute(statement, (limit,))]

    def close(self):
        """Give the connection back."""
        with self._lock:
            self._drop()

    def _execute(self, statement, values=()):
        with self._lock:
            if time.monotonic() < self._retry_at:
                raise UnavailableError("the history database cannot be reached")
            # A connection from before a restart of the database is dead: a second try finds the new one.
            for last in (self._connection is None, True):
                try:
                    return self._connected().execute(statement, values).fetchall()
                except (psycopg.Error, OSError) as error:
                    self._drop()
                    if last:
                        self._retry_at = time.monotonic() + PAUSE_S
                        raise UnavailableError(
                            f"the history database cannot be reached ({type(error).__name__})"
                        ) from None
        raise AssertionError("one of the two tries returns or raises")

    def _connected(self):
        if self._connection is None:
            self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S)
            self._connection.execute("SET statement_timeout = '5s'")
            self._connection.execute(TABLE)
        return self._connection

    def _drop(self):
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
        self._connection = None
