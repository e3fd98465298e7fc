"""Sum up a month of nights: what fails, flakes, is slow or tells nothing any more, and a table of figures."""

from __future__ import annotations

from prefect import flow

from recloser.settings import load_settings
from recloser.store import Store
from recloser.target import load_system
from recloser.values import TargetReview
from tasks.review import publish, review_month


@flow(name="review", flow_run_name="review {target}")
def review(target: str, month: str | None = None) -> TargetReview:
    """Review a target's month.

    Args:
        target: Folder that holds `recloser.toml`, or the file itself.
        month: Such as `2026-11`; if not given, the last whole one that has a night.
    """
    system = load_system(target)
    with Store.open(load_settings().database_url) as store:
        told = review_month(system, store, month)
    publish(told, "review", "The month")
    return told
