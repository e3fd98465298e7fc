"""Heal one Batch job: submit, watch, find out why it failed, change one thing, submit again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from recloser.errors import RecloserError
from recloser.report import write_incident
from recloser.settings import load_settings
from recloser.store import Store
from recloser.values import FixMode
from tasks.approval import agreed
from tasks.cancellation import settle
from tasks.heal import (
    Progress,
    apply,
    begin,
    collect,
    diagnose,
    judge,
    plan,
    report,
    submit,
    try_without,
    watch,
)
from tasks.record import keep_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.healing import Healing
    from recloser.values import Diagnosis, Evidence


@flow(name="heal", flow_run_name="heal {target}", log_prints=False, on_cancellation=[settle])
def heal(
    target: str,
    iterations: Annotated[int, Field(ge=1, le=100)] = 10,
    fix_mode: FixMode = FixMode.AUTO,
    use_test_data: bool = False,
    minimise: bool = False,
) -> State[Any]:
    """Heal the Batch job that a target declares.

    Args:
        target: Folder that holds `recloser.toml`, or the file itself.
        iterations: How many attempts may be made.
        fix_mode: `auto` changes what the target's guardrails allow, `manual` asks before every change,
            `report-only` changes nothing.
        use_test_data: Run on freshly generated inputs instead of the target's own.
        minimise: Once the job works, find changes that were not needed and take them back.

    Returns:
        `Healthy` or `Healed`, or a failed state named after the verdict; the message is the reason.
    """
    with Store.open(load_settings().database_url) as store:
        healing = begin(
            target,
            store=store,
            iterations=iterations,
            fix_mode=fix_mode,
            use_test_data=use_test_data,
            minimise=minimise,
            run_id=str(flow_run.id or ""),
        )
        with carried_through(healing):
            until_settled(healing)
            if minimise:
                until_minimal(healing)
        keep_record(store, healing.site.target.name, return_state=True)  # a verdict stands, whatever becomes of this
        return verdict_state(healing)


@contextmanager
def carried_through(healing: Healing) -> Iterator[None]:
    """Whatever becomes of it: an incident that cannot go on is closed, its target let go of, its report written."""
    try:
        yield
    except RecloserError as error:
        healing.give_up(error)
    except BaseException:  # cancelled: no task can run any more, but the report can be written
        write_incident(healing.incident, load_settings().home / "incidents")
        raise
    finally:
        healing.release()
    report(healing)


def until_settled(healing: Healing) -> None:
    """One attempt after the other until one succeeds or nothing safe is left."""
    progress = Progress(healing)
    while healing.goes_on:
        submit(healing)
        evidence = collect(healing, watch(healing))
        if healing.goes_on:
            treat(healing, evidence, diagnose(healing, evidence))
        progress.show()


def until_minimal(healing: Healing) -> None:
    """One run without each change, until none is left that the job can do without."""
    while try_without(healing):
        submit(healing)
        judge(healing, collect(healing, watch(healing)))


def treat(healing: Healing, evidence: Evidence, diagnosis: Diagnosis) -> None:
    """Plan, ask and apply until one change is in force or the incident is closed."""
    while healing.goes_on:
        planned = plan(healing, evidence, diagnosis)
        if planned and agreed(healing, planned) and apply(healing, planned):
            return


def verdict_state(healing: Healing) -> State[Any]:
    """The flow run's final state: its type is what alerts and exit codes read, its name is the verdict."""
    incident = healing.incident
    name = "".join(word.capitalize() for word in incident.verdict.split("-"))
    if incident.verdict.is_success:
        return Completed(name=name, message=incident.reason)
    return Failed(name=name, message=incident.reason)
