"""When a flow run is cancelled from outside: what its own process could not settle any more is settled here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recloser.aws import connect
from recloser.errors import RecloserError
from recloser.healing import Narrator, open_fleet, open_healing, prepare
from recloser.report import write_incident
from recloser.settings import load_settings
from recloser.store import Store
from recloser.target import load_target
from recloser.values import FixMode

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun, State


def settle(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Terminate or leave the job of a cancelled heal, as its target asks.

    Prefect runs this in the worker. Usually the run itself has done it and closed its incident; a run that was
    killed, or was cancelled between two watches, has not.
    """
    del flow, state
    try:
        target = load_target(str(flow_run.parameters["target"]))
        with Store.open(load_settings().database_url) as store:
            left = store.unfinished(target.name)
            if left is None:
                return
            site = prepare(target, connect(load_settings()))
            healing = (
                open_healing(site, store, Narrator(), iterations=1, fix_mode=FixMode.REPORT_ONLY)
                if left.fleet is None
                else open_fleet(site, store, Narrator(), left, iterations=2, fix_mode=FixMode.REPORT_ONLY)
            )
            healing.cancel()
            healing.release()
            write_incident(healing.incident, load_settings().home / "incidents")
    except RecloserError as error:
        print(f"recloser: the cancelled heal could not be settled: {error}")  # noqa: T201 - the worker's output
