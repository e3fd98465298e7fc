"""Sum up a week of nights, with its row of the pass rate."""

from __future__ import annotations

from prefect import flow

from recloser.settings import load_settings
from recloser.store import Store
from recloser.target import load_system
from recloser.values import TargetReview
from tasks.review import publish, review_week


@flow(name="weekly", flow_run_name="weekly {target}")
def weekly(target: str) -> TargetReview:
    """Review a target's last whole week.

    Args:
        target: Folder that holds `recloser.toml`, or the file itself.
    """
    system = load_system(target)
    with Store.open(load_settings().database_url) as store:
        told = review_week(system, store)
    publish(told, "weekly", "The week")
    return told
