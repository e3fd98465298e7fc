"""The record of remedies in a real Prefect server, and the forgetting of what is old."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from prefect import flow

from recloser.store import Store
from recloser.values import Cause, FixMode, Incident, Outcome, Verdict, utc_now
from tasks.record import keep_record
from tests.prefect_fixture import latest_artifact


@pytest.mark.usefixtures("prefect_api")
def test_keep_record_publishes_a_table_and_forgets(tmp_path: Path) -> None:
    """One row for each remedy and signature, hostile names as text; an incident older than a year is gone."""
    now = utc_now()
    with Store.open(f"sqlite:///{tmp_path}/recloser.db") as store:
        for name, age in (("old", timedelta(days=366)), ("new", timedelta(hours=1))):
            at = now - age
            facts = {"fix_mode": FixMode.AUTO, "iterations": 3, "opened_at": at, "closed_at": at}
            store.save_incident(Incident(incident_id=name, target="optimo", verdict=Verdict.HEALED, **facts))
            outcome = Outcome(
                incident_id=name,
                attempt=1,
                target="optimo",
                signature="S020 | <b>",
                cause=Cause.OOM,
                remedy="raise_memory",
                worked=name == "new",
                at=at,
            )
            store.memory.save_outcomes(name, [outcome])

        @flow
        def heal() -> int:
            return keep_record(store, "optimo")

        assert heal() == 1
        assert [found.incident_id for found in store.incidents()] == ["new"]
    (row,) = json.loads(latest_artifact("remedy-record"))
    assert row.pop("last").endswith("UTC")
    assert row == {
        "remedy": "`raise_memory`",
        "signature": "S020 \\| &lt;b&gt;",
        "tried": "1",
        "worked": "1",
        "expected": "66 %",
        "state": "in use",
    }
