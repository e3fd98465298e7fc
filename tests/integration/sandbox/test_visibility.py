"""Log lines are visible while the job runs, each before the next is written, and in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.sandbox.conftest import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.sandbox.conftest import Batch

pytestmark = pytest.mark.sandbox
# Writes a line for each step, and the next only when it is told to go on.
STEPS = 'for step in 1 2 3; do echo "step $step"; until [ -e "$GATE/$step" ]; do sleep 0.01; done; done'


def test_each_line_is_visible_before_the_next_is_written(batch: Batch, tmp_path: Path) -> None:
    """A reader follows a running job line by line."""
    job = batch.wait(batch.submit("sh", "-c", STEPS, environment={"GATE": str(tmp_path)}), "RUNNING")
    for step in (1, 2, 3):
        seen = until(lambda: batch.lines(job), lambda lines, step=step: len(lines) == step)
        assert seen == [f"step {number}" for number in range(1, step + 1)]
        (tmp_path / str(step)).touch()
    assert batch.wait(job["jobId"])["status"] == "SUCCEEDED"


def test_many_lines_keep_their_order(batch: Batch) -> None:
    """Thousands of lines in bursts, read while they are written, are each seen once and in order."""
    script = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; [ $((i % 1000)) -eq 0 ] && sleep 0.15; done; true"
    job = batch.wait(batch.submit("sh", "-c", script), "RUNNING", "SUCCEEDED")
    expected = [str(number) for number in range(1, 3001)]
    early = batch.lines(job)
    assert early == expected[: len(early)]
    job = batch.wait(job["jobId"])
    assert batch.lines(job) == expected
