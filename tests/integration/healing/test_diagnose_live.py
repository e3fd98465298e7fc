"""`recloser diagnose JOB_ID`: a job that really failed, looked at in the account it ran in, and nothing changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from flows.cli import assemble

if TYPE_CHECKING:
    from tests.integration.healing.conftest import Workshop

pytestmark = pytest.mark.sandbox


def test_a_job_is_diagnosed_where_it_failed(workshop: Workshop) -> None:
    """With no `recloser.toml`: cause and evidence as JSON, and a job Batch does not know is one message."""
    workshop.define("memory", "700", memory_mib=256)
    incident = workshop.heal(iterations=1)
    job_id = str(incident.attempts[0].job_id)
    run = CliRunner().invoke(assemble("diagnose"), ["diagnose", job_id, "--format", "json"])
    assert run.exit_code == 0, run.output
    answer = json.loads(run.stdout)
    assert (answer["id"], answer["cause"]) == (job_id, "oom")
    assert answer["confidence"] >= 0.9
    assert "oom" in CliRunner().invoke(assemble("diagnose"), ["diagnose", job_id]).stdout

    unknown = CliRunner().invoke(assemble("diagnose"), ["diagnose", "no-such-job"])
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "knows no job" in unknown.stderr
