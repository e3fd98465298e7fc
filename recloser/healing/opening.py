"""Begin a healing: check what is asked for, open an incident or take up the one that was left open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.healing.casebook import new_incident_id
from recloser.healing.errors import HealingError, NotReady
from recloser.healing.resubmission import fleet_of
from recloser.healing.session import Healing
from recloser.values import FixMode, Incident, utc_now

if TYPE_CHECKING:
    from recloser.healing.failures import Group
    from recloser.healing.narration import Narrator
    from recloser.healing.site import Site
    from recloser.store import Store
    from recloser.values import JobSnapshot


def ask_for(site: Site, fix_mode: FixMode, *, use_test_data: bool) -> None:
    """Check that what is asked for makes sense for the target.

    Raises:
        NotReady: It contradicts itself, or the target declares no test data.
    """
    if not use_test_data:
        return
    if fix_mode is FixMode.REPORT_ONLY:
        raise NotReady("report-only writes nothing, so it cannot stage test data; use --fix-mode auto or manual")
    if site.target.test_data is None:
        raise NotReady(f"target {site.target.name!r} declares no [test_data], so --use-test-data has nothing to make")


def open_healing(
    site: Site,
    store: Store,
    narrator: Narrator,
    *,
    iterations: int,
    fix_mode: FixMode,
    use_test_data: bool = False,
    minimise: bool = False,
    run_id: str = "",
) -> Healing:
    """Open an incident on a prepared site, or take up the one that a killed process left open.

    Args:
        site: The target in its account.
        store: Where everything is written down.
        narrator: Who is told.
        iterations: How many attempts may be made to heal the job.
        fix_mode: How far to go without asking.
        use_test_data: Run on freshly generated inputs.
        minimise: Find changes that were not needed once the job works, and take them back.
        run_id: Id of the flow run, put on every job as a tag.

    Raises:
        NotReady: What is asked for contradicts itself or the target.
        HeldError: Somebody else is healing it.
    """
    ask_for(site, fix_mode, use_test_data=use_test_data)
    left = store.unfinished(site.target.name)
    if left is not None and left.fleet is not None:
        raise NotReady(
            f"incident {left.incident_id} of {len(left.fleet.jobs)} jobs was interrupted; "
            f"take it up first: recloser heal TARGET --failed-on {left.fleet.queue.rsplit('/', 1)[-1]}"
        )
    incident = left or Incident(
        incident_id=new_incident_id(),
        target=site.target.name,
        fix_mode=fix_mode,
        iterations=iterations,
        test_data=use_test_data,
        minimise=minimise,
        opened_at=utc_now(),
    )
    asked = {"fix_mode": fix_mode, "minimise": minimise, "iterations": max(iterations, len(incident.attempts))}
    healing = Healing(site, store, narrator, incident.model_copy(update=asked), run_id=run_id)
    try:
        healing.recover()
        healing.stage_test_data()
    except BaseException:
        healing.release()
        raise
    return healing


def unfinished_fleet(site: Site, store: Store) -> Incident | None:
    """The incident of a fleet that a killed process left open.

    Raises:
        NotReady: An incident of one job is open; it is taken up by the plain command.
    """
    left = store.unfinished(site.target.name)
    if left is not None and left.fleet is None:
        raise NotReady(f"incident {left.incident_id} was interrupted; take it up first: recloser heal TARGET")
    return left


def open_fleet(
    site: Site,
    store: Store,
    narrator: Narrator,
    group: Group | Incident,
    *,
    iterations: int,
    fix_mode: FixMode,
    run_id: str = "",
) -> Healing:
    """Open an incident for jobs that failed together, or take up the one that a killed process left open.

    Args:
        site: The target in its account.
        store: Where everything is written down.
        narrator: Who is told.
        group: The jobs, or their incident.
        iterations: How many attempts may be made to heal the first of them, the failed one included.
        fix_mode: How far to go without asking.
        run_id: Id of the flow run, put on every job as a tag.

    Raises:
        HealingError: Batch does not know the failed jobs any more, or somebody else is healing the target.
    """
    incident_id = group.incident_id if isinstance(group, Incident) else new_incident_id()
    incident = (
        group
        if isinstance(group, Incident)
        else Incident(
            incident_id=incident_id,
            target=site.target.name,
            fix_mode=fix_mode,
            iterations=iterations,
            opened_at=utc_now(),
            fleet=fleet_of(site, group, incident_id),
        )
    )
    asked = {"fix_mode": fix_mode, "iterations": max(iterations, len(incident.attempts))}
    healing = Healing(site, store, narrator, incident.model_copy(update=asked), run_id=run_id)
    try:
        healing.recover()
        healing.adopt(_telling(site, group))
    except BaseException:
        healing.release()
        raise
    return healing


def _telling(site: Site, group: Group | Incident) -> JobSnapshot:
    """The failed job that the first attempt stands for."""
    if not isinstance(group, Incident):
        return group.units[0].tells
    first = group.fleet.jobs[0] if group.fleet else None
    job_id = group.attempts[0].job_id if group.attempts else first and first.source_id
    known = site.account.batch.describe([job_id or ""])
    job = next(iter(known.values()), None)
    if job is not None and job.array_size is not None:
        children = site.account.fleet.failed_children(job.job_id)
        job = next(iter(site.account.batch.describe(children[:1]).values()), job)
    if job is None:
        raise HealingError(f"Batch does not know job {job_id} any more, so its like cannot be submitted")
    return job
