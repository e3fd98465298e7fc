"""Heal jobs that failed together: one incident a cause, one change, and every job resubmitted with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from flows.heal import carried_through, until_settled
from recloser.healing import Selection
from recloser.settings import load_settings
from recloser.store import Store
from recloser.values import FixMode
from tasks.cancellation import settle
from tasks.fleet import begin_fleet, find, resubmit, watch_others

if TYPE_CHECKING:
    from recloser.healing import Healing
    from recloser.values import Incident


@flow(name="heal-fleet", flow_run_name="heal fleet of {target}", log_prints=False, on_cancellation=[settle])
def heal_fleet(  # noqa: PLR0917 - Prefect gives the parameters by name
    target: str,
    failed_on: str | None = None,
    since_s: Annotated[float, Field(gt=0)] = 7_200,
    jobs: tuple[str, ...] = (),
    iterations: Annotated[int, Field(ge=2, le=100)] = 10,
    fix_mode: FixMode = FixMode.AUTO,
) -> State[Any]:
    """Heal the jobs of a target that have failed, on a queue or as named.

    Args:
        target: Folder that holds `recloser.toml`, or the file itself.
        failed_on: Queue whose failed jobs are meant.
        since_s: How far back the queue is looked at, in seconds.
        jobs: Ids of failed jobs, array children or arrays, instead of a queue.
        iterations: How many attempts may be made for each cause, the failed one included.
        fix_mode: `auto`, `manual` or `report-only`, as for one job.

    Returns:
        `Healed` if every job of every group works, or a failed state; the message counts them.
    """
    selection = Selection(queue=failed_on, since_s=since_s, job_ids=jobs)
    with Store.open(load_settings().database_url) as store:
        incidents = []
        for group in find(target, selection, store=store):
            healing = begin_fleet(
                target,
                group,
                store=store,
                iterations=iterations,
                fix_mode=fix_mode,
                run_id=str(flow_run.id or ""),
            )
            heal_group(healing)
            incidents.append(healing.incident)
        return outcome(incidents)


def heal_group(healing: Healing) -> None:
    """Heal the first of a group, then resubmit the others."""
    with carried_through(healing):
        until_settled(healing)
        if resubmit(healing):
            watch_others(healing)


def outcome(incidents: list[Incident]) -> State[Any]:
    """The flow run's final state."""
    good = sum(incident.verdict.is_success for incident in incidents)
    if not incidents:
        return Completed(name="NothingFailed", message="no failed job of the target was found")
    message = f"{good} of {len(incidents)} groups of failed jobs work again"
    if good == len(incidents):
        return Completed(name="Healed", message=message)
    return Failed(name="LockedOut", message=message)
