"""A flow run on this terminal: quiet, without a heartbeat, and without a server that outlives it."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from flows import leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextvars import ContextVar

# Prefect reads these when it is imported; what a person has set stands.
_QUIET = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
    # Each of which waits twice as long: a server of this machine is there by the third, or gone.
    "PREFECT_CLIENT_MAX_RETRIES": "3",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "DO_NOT_TRACK": "1",
}


def quieten() -> None:
    """Set up this process for flows; before Prefect is imported."""
    leftovers.sweep()
    leftovers.mark()
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)


def run_here(story: str, parameters: dict[str, Any]) -> Any:
    """Run the flow of this name in this process.

    Args:
        story: Name of the flow and of its file.
        parameters: Its parameters.

    Returns:
        Its final state.
    """
    # Prefect takes a second to import: only commands that run flows pay for it.
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings  # noqa: PLC0415

    flow = getattr(import_module(f"flows.{story}"), story)
    # A person is watching, so no heartbeat is needed; it costs a second at the flow's end.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        return flow(**parameters, return_state=True)


def leave(code: int) -> NoReturn:
    """End this process at once: Prefect would go on for minutes to send its events to a server that is gone."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextmanager
def listening(variable: ContextVar[Any], listener: Any) -> Iterator[None]:
    """Put a listener where the tasks look for one."""
    token = variable.set(listener)
    try:
        yield
    finally:
        variable.reset(token)
