"""The steps of healing many jobs as Prefect tasks: a few for each incident, and none for each job."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from recloser.aws import connect
from recloser.healing import Group, Healing, Selection, find_failures, open_fleet, prepare, unfinished_fleet
from recloser.settings import load_settings
from recloser.store import Store
from recloser.target import load_target
from recloser.values import FixMode, Incident
from tasks.heal import PATIENT, write_owed
from tasks.narration import narrator


@task(name="find failed jobs", task_run_name="find failed jobs of {target}", **PATIENT)
def find(target: str, selection: Selection, *, store: Store) -> tuple[Group | Incident, ...]:
    """An incident that was left open, then the groups of failed jobs that no incident has taken on."""
    declared = load_target(target)
    write_owed(declared, store)
    site = prepare(declared, connect(load_settings()))
    left = unfinished_fleet(site, store)
    failures = find_failures(site, store, selection)
    narrator().found(failures)
    return (*([left] if left else []), *failures.groups)


@task(name="begin fleet", task_run_name="begin {target}", **PATIENT)
def begin_fleet(
    target: str, group: Group | Incident, *, store: Store, iterations: int, fix_mode: FixMode, run_id: str
) -> Healing:
    """Open one incident for one group."""
    site = prepare(load_target(target), connect(load_settings()))
    return open_fleet(site, store, narrator(), group, iterations=iterations, fix_mode=fix_mode, run_id=run_id)


@task(name="resubmit", task_run_name="resubmit the others like {healing.label}", **PATIENT)
def resubmit(healing: Healing) -> bool:
    """Submit the other jobs with the change that has proved itself; a repetition submits only what is missing."""
    return healing.resubmit_others()


@task(name="watch fleet", task_run_name="watch the others like {healing.label}", cache_policy=NO_CACHE)
def watch_others(healing: Healing) -> None:
    """Wait for all of them, a hundred a call."""
    healing.watch_others()
