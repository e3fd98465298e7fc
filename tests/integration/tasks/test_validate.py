"""Validation in a real Prefect server: the report is an artifact, and text of the data is no markup there."""

import json
from pathlib import Path

import pytest
from prefect import flow

from tasks.validate import validate_data
from tests.prefect_fixture import latest_artifact


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
    assert latest_artifact("validation").startswith("**FAILED**")
    rows = json.loads(latest_artifact("findings"))
    assert rows[0]["state"] == "failed"
    assert "<b>" not in json.dumps(rows)
