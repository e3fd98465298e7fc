"""Unmodified clients of AWS Batch run their jobs on the sandbox: redun 0.44.1, Metaflow 2.19.39, aws 1.46.3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.foreign.conftest import Ground

pytestmark = pytest.mark.sandbox


def test_redun_runs_a_workflow(ground: Ground) -> None:
    """Redun's AWS Batch executor packs equal tasks into an array and its code into S3, and gets their results."""
    assert ground.run("redun") == {"version": "0.44.1", "result": 20}
    batch = ground.sandbox.client("batch")
    done = batch.list_jobs(jobQueue=ground.queue, filters=[{"name": "JOB_NAME", "values": ["redun-job-*"]}])
    shapes = sorted((job["status"], job.get("arrayProperties", {}).get("size", 1)) for job in done["jobSummaryList"])
    assert shapes == [("SUCCEEDED", 1), ("SUCCEEDED", 5)]


def test_metaflow_sees_its_jobs_through(ground: Ground) -> None:
    """Metaflow's Batch client registers, submits, watches, retries, lists and kills."""
    assert ground.run("metaflow") == {
        "version": "2.19.39",
        "good": {"status": "SUCCEEDED", "successful": True, "exit_code": 0, "attempts": 1},
        "bad": {"status": "FAILED", "successful": False, "exit_code": 3, "attempts": 2},
        "held": {"status": "FAILED", "successful": False, "exit_code": 143, "attempts": 1},
        "held_was_unfinished": True,
    }


def test_the_aws_command_line_sees_its_jobs_through(ground: Ground) -> None:
    """It registers, submits a job and an array, waits, reads the log, lists children and terminates."""
    assert ground.run("awscli") == {
        "version": "1.46.3",
        "states": {"good": "SUCCEEDED", "array": "FAILED", "held": "FAILED"},
        "reason": "enough",
        "said": ["hello from ID"],
        "failed": [1],
    }
