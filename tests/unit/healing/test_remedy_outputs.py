"""A FAILED job whose work may be done: its outputs decide between taking them and trying again."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recloser.healing.errors import ChangeFailed, Refused
from recloser.values import Cause, Evidence, utc_now
from tests.unit.healing.bench import Bench
from tests.unit.healing.fakes import failed

OUTPUTS = {"outputs": [{"uri": "s3://data/out.csv"}], "guardrails": {"retry": {"max": 3, "base_s": 0}}}
LOST_END = Cause.DOCKER_TRANSIENT


def unseen(**job: Any) -> Evidence:
    """A job whose end could not be inspected."""
    reason = "CannotInspectContainerError: Could not transition to inspecting; timed out"
    facts = {
        "exit_code": None,
        "started_at": utc_now() - timedelta(minutes=1),
        "environment": {"TOKEN": "s3cr3t-value"},
    }
    return failed(container_reason=reason, **facts | job)


def test_complete_outputs_are_accepted(tmp_path: Path) -> None:
    """There, younger than the attempt, and still there when it is verified; no value of the job is kept."""
    bench = Bench(tmp_path, unseen(), **OUTPUTS)
    bench.account.objects.bodies["s3://data/out.csv"] = b"x"
    change = bench.plan("accept_output", LOST_END)
    change.verify(bench.site)
    assert "s3cr3t-value" not in str(change.model_dump(mode="json"))
    bench.account.objects.bodies.clear()
    with pytest.raises(ChangeFailed, match="out.csv"):
        change.verify(bench.site)


def test_a_job_whose_outputs_are_missing_is_tried_again(tmp_path: Path) -> None:
    """The check comes first, both ways."""
    bench = Bench(tmp_path, unseen(), **OUTPUTS)
    with pytest.raises(Refused, match="not done"):
        bench.plan("accept_output", LOST_END)
    assert bench.plan("retry_after_output_check", LOST_END).wording(bench.site).diff == ""
    bench.account.objects.bodies["s3://data/out.csv"] = b"x"
    with pytest.raises(Refused, match="the work was done"):
        bench.plan("retry_after_output_check", LOST_END)


@pytest.mark.parametrize(
    ("evidence", "tables", "why"),
    [
        (unseen(exit_code=3), OUTPUTS, "ended with 3"),
        (unseen(started_at=None), OUTPUTS, "earlier run"),
        (unseen(), {}, "declares no outputs"),
    ],
)
def test_outputs_are_not_accepted_on_a_doubt(
    tmp_path: Path, evidence: Evidence, tables: dict[str, Any], why: str
) -> None:
    """A code of its own, outputs that may be older, nothing to check."""
    bench = Bench(tmp_path, evidence, **tables)
    bench.account.objects.bodies["s3://data/out.csv"] = b"x"
    with pytest.raises(Refused, match=why):
        bench.plan("accept_output", LOST_END)
