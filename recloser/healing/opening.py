"""Begin a healing: check what is asked for, open an incident or take up the one that was left open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.healing.casebook import new_incident_id
from recloser.healing.errors import NotReady
from recloser.healing.session import Healing
from recloser.values import FixMode, Incident, utc_now

if TYPE_CHECKING:
    from recloser.healing.narration import Narrator
    from recloser.healing.site import Site
    from recloser.store import Store


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
        NotReady: What is asked for contradicts itself or the target, or somebody else is healing it.
    """
    ask_for(site, fix_mode, use_test_data=use_test_data)
    left = store.unfinished(site.target.name)
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
