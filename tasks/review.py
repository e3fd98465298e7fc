"""A review of nights as Prefect tasks, with what they publish in its UI."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from recloser.nightly.review import Stretch, due_month
from recloser.nightly.review import review as summed_up
from recloser.report.review import review_markdown, review_table, week_table
from recloser.store import Store
from recloser.target import System
from recloser.values import TargetReview, utc_now


@task(name="review month", cache_policy=NO_CACHE)
def review_month(system: System, store: Store, month: str | None) -> TargetReview:
    """Sum up a month: the one that is named, or the last whole one that has a night."""
    now = utc_now()
    named = Stretch.month(month) if month is not None else due_month(store.history, system.name, now.date())
    return summed_up(store.history, system, named, now)


@task(name="review week", cache_policy=NO_CACHE)
def review_week(system: System, store: Store) -> TargetReview:
    """Sum up the last whole week."""
    now = utc_now()
    return summed_up(store.history, system, Stretch.week_before(now.date()), now)


@task(name="publish review", cache_policy=NO_CACHE)
def publish(told: TargetReview, key: str, title: str) -> None:
    """Show it in the UI: the whole as Markdown, its figures as a table, and the pass rate week by week."""
    days = f"{told.target}, {told.first_day} to {told.last_day}"
    create_markdown_artifact(review_markdown(told, title), key=key, description=days)
    create_table_artifact(review_table(told), key=f"{key}-figures", description=days)
    create_table_artifact(week_table(told.weeks), key=f"{key}-pass-rate", description=days)
