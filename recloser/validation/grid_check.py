"""A grid dataset put to every rule: `check_subject` in numpy alone, `validate_subject` by Great Expectations too."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import recloser
from recloser.validation.baseline import alike_baseline, find_baseline
from recloser.validation.charts import charts_of
from recloser.validation.comparison import Baselines
from recloser.validation.findings import Report
from recloser.validation.intake import read_subject
from recloser.validation.judge import Outcome, finding_of, judge
from recloser.validation.rules import Rule, load_rules
from recloser.validation.tables import Tables
from recloser.values import utc_now

if TYPE_CHECKING:
    from pathlib import Path

    from recloser.validation.facts import Subject

FAST_JUDGE = "numpy"


def check_subject(subject: Subject, *, baselines: Path | None = None, without: tuple[str, ...] = ()) -> Report:
    """Judge a dataset without Great Expectations, in milliseconds.

    Args:
        subject: What is judged.
        baselines: A folder of baselines that come before those of the package.
        without: Rules to leave out, for experiments.
    """
    started = time.perf_counter()
    tables, judged = _judge(subject, baselines, without)
    return _report(tables, judged, (FAST_JUDGE,), started)


def validate_subject(subject: Subject, *, baselines: Path | None = None, docs: Path | None = None) -> Report:
    """Judge a dataset twice: in numpy, and by Great Expectations; a rule passes when both say so.

    Args:
        subject: What is judged.
        baselines: A folder of baselines that come before those of the package.
        docs: Where to build the Data Docs of Great Expectations; not built when nothing is said.
    """
    from recloser.validation.expectations import confirm  # noqa: PLC0415 - takes seconds to import

    started = time.perf_counter()
    tables, judged = _judge(subject, baselines, ())
    confirmed, judge_name = confirm(tables, judged, docs=docs)
    return _report(tables, confirmed, (FAST_JUDGE, judge_name), started)


def validate_dataset(path: Path, *, baselines: Path | None = None, docs: Path | None = None) -> Report:
    """Judge the dataset in a folder.

    Raises:
        BadInputError: There is no dataset that could be judged.
    """
    return validate_subject(read_subject(path), baselines=baselines, docs=docs)


def _judge(
    subject: Subject, folder: Path | None, without: tuple[str, ...]
) -> tuple[Tables, tuple[tuple[Rule, tuple[Outcome, ...]], ...]]:
    known = Baselines(
        exact=find_baseline(subject.case, subject.n_steps, subject.level, folder=folder),
        alike=alike_baseline(subject.case, subject.n_steps, folder=folder),
    )
    tables = Tables(subject, known)
    return tables, judge(tables, [rule for rule in load_rules() if rule.id not in without])


def _report(
    tables: Tables, judged: tuple[tuple[Rule, tuple[Outcome, ...]], ...], judges: tuple[str, ...], started: float
) -> Report:
    subject = tables.subject
    findings = tuple(finding_of(rule, outcomes) for rule, outcomes in judged)
    return Report(
        subject=subject.name,
        kind="grid dataset",
        created_utc=utc_now(),
        facts=_facts(tables),
        findings=findings,
        charts=charts_of(tables, findings),
        judges=judges,
        duration_s=round(time.perf_counter() - started, 3),
    )


def _facts(tables: Tables) -> dict[str, str]:
    subject, exact = tables.subject, tables.baselines.exact
    facts = {
        "network": f"{subject.case}, {subject.network.n_buses} buses, {subject.network.n_branches} branches",
        "steps": str(subject.n_steps),
        "recloser": recloser.__version__,
    }
    if subject.manifest is not None:
        facts["made by"] = f"{subject.manifest.generator.name} {subject.manifest.generator.version}"
        facts["made"] = f"{subject.manifest.created_utc:%Y-%m-%d %H:%M:%S} UTC"
        if subject.manifest.parent:
            facts["made from"] = subject.manifest.parent[:200]
    if exact is None:
        return facts | {"baseline": "none of this length and level"}
    came = exact.provenance
    seeds = f"seeds {came.first_seed} to {came.first_seed + came.n_seeds - 1}"
    return facts | {"baseline": f"{seeds} of {came.generator}, {exact.content_sha256[:12]}"}
