"""The flows that look back, in a real Prefect server."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from flows.heartbeat import heartbeat
from flows.review import review
from flows.weekly import weekly
from recloser.store import Store
from recloser.values import CycleVerdict, Delivery, utc_now
from tests.prefect_fixture import latest_artifact
from tests.unit.nightly.nights import cycle
from tests.unit.store.history.conftest import attempt, suite_run

DECLARED = """\
name = "little"

[suites.unit]
command = ["{python}", "-m", "pytest"]

[alerts]
expected_by = "00:00"
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store the flows work on, with a green night of eight days ago."""
    (tmp_path / "recloser.toml").write_text(DECLARED)
    monkeypatch.setenv("RECLOSER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RECLOSER_STORE_URL", f"sqlite:///{tmp_path}/recloser.db")
    opened = utc_now() - timedelta(days=8)
    night = cycle(target="little", cycle_id="night").model_copy(update={"opened_at": opened})
    with Store.open(f"sqlite:///{tmp_path}/recloser.db") as store:
        store.history.open_cycle(night)
        store.history.save_suite_run("night", suite_run(attempt("t::a")))
        store.history.close_cycle("night", CycleVerdict.GREEN, "", opened + timedelta(minutes=4))
        yield store


@pytest.mark.usefixtures("prefect_api", "store")
def test_a_month_and_a_week_are_shown_in_the_ui(tmp_path: Path) -> None:
    """Markdown, figures, and a row of the pass rate for each week."""
    month = f"{utc_now() - timedelta(days=8):%Y-%m}"
    told = review(str(tmp_path), month)
    assert (told.nights, told.green, told.passed) == (1, 1, 1)
    assert latest_artifact("review").startswith("# The month: little")
    rows = {row["metric"]: row["status"] for row in json.loads(latest_artifact("review-figures"))}
    assert rows["pass rate"] == "✅ passed"
    assert [row["judged"] for row in json.loads(latest_artifact("review-pass-rate"))] == ["1"]
    weekly(str(tmp_path))
    assert latest_artifact("weekly").startswith("# The week: little")
    assert [row["judged"] for row in json.loads(latest_artifact("weekly-pass-rate"))] == ["1"]


@pytest.mark.usefixtures("prefect_api")
def test_a_night_that_did_not_run_fails_the_heartbeat_and_is_told(tmp_path: Path, store: Store) -> None:
    """A state of its own, and a notice that arrived; once a night is there, the flow completes."""
    state = heartbeat(str(tmp_path), return_state=True)
    assert (state.name, state.is_failed()) == ("NoNight", True)
    assert "the last one is of" in str(state.message)
    (told,) = store.outbox.deliveries("little")
    assert isinstance(told, Delivery)
    assert told.receipt
    store.history.open_cycle(cycle(target="little", cycle_id="today").model_copy(update={"opened_at": utc_now()}))
    store.history.close_cycle("today", CycleVerdict.RED, "", utc_now())
    assert heartbeat(str(tmp_path), return_state=True).is_completed()
