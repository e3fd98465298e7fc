"""What a healing leaves: the record of remedies in the Prefect UI, and a store that forgets what is old."""

from __future__ import annotations

from datetime import timedelta

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from recloser.healing.memory import record_of
from recloser.report import record_rows
from recloser.settings import load_settings
from recloser.store import Store
from recloser.values import utc_now


@task(name="keep record", task_run_name="keep record of {target}", cache_policy=NO_CACHE)
def keep_record(store: Store, target: str) -> int:
    """Show how each remedy stands on a target, and forget what is older than `RECLOSER_RETENTION_DAYS`.

    Args:
        store: Where incidents are kept.
        target: Whose record is shown.

    Returns:
        How many old incidents were forgotten.
    """
    forgotten = store.memory.forget(utc_now() - timedelta(days=load_settings().retention_days))
    rows = record_rows(record_of(store.memory, target))
    create_table_artifact(rows, key="remedy-record", description=f"What remedies have done on {target}")
    return forgotten
