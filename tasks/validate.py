"""Validation as Prefect tasks: nothing is retried, since the same data gives the same answer; findings are shown."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from recloser.nightly.declared import judge_declared
from recloser.report.markdown import escape_inline
from recloser.target import load_system
from recloser.validation import Report, finding_rows, render_markdown, validate_dataset


@task(name="validate dataset", task_run_name="validate {path}", cache_policy=NO_CACHE)
def validate_folder(path: str) -> Report:
    """Judge a dataset in a folder, and show what was found."""
    report = validate_dataset(Path(path))
    publish_report(report)
    return report


@task(name="validate data", task_run_name="validate {name} of {target}", cache_policy=NO_CACHE)
def validate_data(target: str, name: str) -> Report:
    """Judge a data set that a target declares, and show what was found."""
    report = judge_declared(load_system(target), name)
    publish_report(report)
    return report


def publish_report(report: Report) -> None:
    """Show a report in the Prefect UI: the verdict with what is wrong, and a table of all findings."""
    create_markdown_artifact(
        render_markdown(report), key="validation", description=f"{report.verdict} {report.subject}"
    )
    rows = [{name: str(escape_inline(text)) for name, text in row.items()} for row in finding_rows(report)]
    create_table_artifact(rows, key="findings", description=f"findings of {report.subject}"[:200])
