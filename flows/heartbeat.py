"""Alarm when a night left no result: run by a schedule of its own, since what has died cannot tell."""

from __future__ import annotations

import os
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from recloser.notify import receivers_of
from recloser.settings import load_settings
from recloser.store import Store
from recloser.target import load_system
from tasks.heartbeat import check, send


@flow(name="heartbeat", flow_run_name="heartbeat {target}")
def heartbeat(target: str) -> State[Any]:
    """Tell whoever a target declares that its night did not run.

    Args:
        target: Folder that holds `recloser.toml`, or the file itself; its `[alerts] expected_by` says when a result has
            to be there.

    Returns:
        `Completed`, or a failed state named `NoNight`; the message is what is missing.
    """
    system, settings = load_system(target), load_settings()
    receivers = receivers_of(system, os.environ, settings.home)
    with Store.open(settings.database_url) as store:
        missing = check(system, store, receivers)
        send(system, store, receivers, return_state=True)  # the alarm stands, whoever has heard of it
    if missing is not None:
        return Failed(name="NoNight", message=missing.text)
    return Completed(message="a result is there" if system.alerts.expected_by else "no night is expected")
