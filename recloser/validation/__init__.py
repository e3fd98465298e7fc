"""Judgement of data: rules over grid datasets and over tables of any kind, by numpy and by Great Expectations.

`validate_dataset` judges a dataset in a folder twice; `check_subject` judges one in memory in milliseconds, without
Great Expectations. Rules and limits are data: `rules.toml`, `excess.toml`, `baselines/`.
"""

from recloser.validation.answers import check_answer
from recloser.validation.baseline import Baseline, build_baseline, write_baseline
from recloser.validation.document import check_document
from recloser.validation.errors import BadInputError, BaselineError, UnknownFaultError, ValidationError
from recloser.validation.facts import Subject, of_dataset
from recloser.validation.findings import Chart, Finding, Gate, Place, Report, Series, State, Verdict
from recloser.validation.grid_check import check_subject, validate_dataset, validate_subject
from recloser.validation.intake import read_subject
from recloser.validation.render import finding_rows, render_html, render_json, render_markdown, render_text, summary_of
from recloser.validation.rules import Check, Rule, load_rules

__all__ = [
    "BadInputError",
    "Baseline",
    "BaselineError",
    "Chart",
    "Check",
    "Finding",
    "Gate",
    "Place",
    "Report",
    "Rule",
    "Series",
    "State",
    "Subject",
    "UnknownFaultError",
    "ValidationError",
    "Verdict",
    "build_baseline",
    "check_answer",
    "check_document",
    "check_subject",
    "finding_rows",
    "load_rules",
    "of_dataset",
    "read_subject",
    "render_html",
    "render_json",
    "render_markdown",
    "render_text",
    "summary_of",
    "validate_dataset",
    "validate_subject",
    "write_baseline",
]
