"""Validation in a real Prefect server: the report is an artifact, and text of the data is no markup there."""

import json
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client

from tasks.validate import validate_data


@pytest.mark.usefixtures("prefect_api")
def test_a_report_is_published(tmp_path: Path) -> None:
    """The verdict as Markdown, the findings as a table whose first row is what is wrong."""
    (tmp_path / "recloser.toml").write_text(
        'name = "meter"\n[data.readings]\nfile = "readings.csv"\n'
        '[data.readings.columns]\n"kw`<b>" = { type = "number", max = 5 }\n'
    )
    (tmp_path / "readings.csv").write_text("kw`<b>\n1\n7\n")

    @flow
    def judge() -> bool:
        return validate_data(str(tmp_path), "readings").holds

    assert judge() is False
    with get_client(sync_client=True) as client:
        found = {artifact.key: artifact for artifact in client.read_artifacts()}
    assert str(found["validation"].data).startswith("**FAILED**")
    rows = json.loads(str(found["findings"].data))
    assert rows[0]["state"] == "failed"
    assert "<b>" not in json.dumps(rows)
