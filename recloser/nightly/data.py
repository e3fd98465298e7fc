"""The data stage: one data set made or asked for, judged, and told in a few sentences."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from recloser.errors import RecloserError
from recloser.nightly.declared import judge_declared, place_of
from recloser.redaction import clean
from recloser.validation import Gate, State, render_html, summary_of
from recloser.validation.svg import draw
from recloser.values import DataRun, Judgement

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recloser.target import System
    from recloser.validation import Report

_MOST_FINDINGS = 8
_MOST_CHARTS = 2


def judge_data(system: System, name: str, *, down: Mapping[str, str], cache: Path, folder: Path) -> DataRun:
    """Judge one data set of a target; what keeps it from being judged is a result as well.

    Args:
        system: The target.
        name: What the data set is called there.
        down: Why a service cannot be asked, by its name; those that can be are not in it.
        cache: Where datasets are made, and found again.
        folder: Where its own page is written, as `data-NAME.html`.
    """
    declared = system.data[name]
    if declared.request is not None and (why := down.get(declared.request.service)):
        return DataRun(name=name, judgement=Judgement.NOT_VERIFIED, reason=why)
    started = time.monotonic()
    cached = declared.generate is not None and place_of(declared.generate, cache).exists()
    try:
        report = judge_declared(system, name, cache=cache)
    except (RecloserError, OSError) as error:
        run = DataRun(name=name, judgement=Judgement.NOT_VERIFIED, reason=clean(str(error)))
    else:
        page = _written(folder / f"data-{name}.html", render_html(report))
        run = _told(name, report).model_copy(update={"cached": cached, "report": page})
    return run.model_copy(update={"duration_s": time.monotonic() - started})


def place_of_data(system: System, name: str, *, cache: Path) -> Path | None:
    """Where a data set lies; None for what a service answered."""
    declared = system.data[name]
    if declared.generate is not None:
        return place_of(declared.generate, cache).absolute()
    return system.path(declared.file) if declared.file is not None else None


def variable_of(name: str) -> str:
    """The variable in which a suite finds the path of a data set that it needs: `RECLOSER_DATA_NAME`."""
    return f"RECLOSER_DATA_{name.replace('-', '_').upper()}"


def _written(file: Path, page: str) -> str:
    """The page's name; empty where the disk is full: the judgement stands without it."""
    try:
        file.write_text(page, encoding="utf-8")
    except OSError:
        return ""
    return file.name


def _told(name: str, report: Report) -> DataRun:
    failed = [*report.of_state(State.FAILED, Gate.CRITICAL), *report.of_state(State.FAILED, Gate.WARNING)]
    not_run = report.of_state(State.NOT_RUN, Gate.CRITICAL)
    judgement = Judgement.PASSED if report.holds else Judgement.FAILED if failed else Judgement.NOT_VERIFIED
    told = [f"{finding.rule} {finding.title}: {finding.message}" for finding in (*failed, *not_run)]
    return DataRun(
        name=name,
        judgement=judgement,
        reason="" if report.holds else clean(told[0]) if told else summary_of(report),
        findings=tuple(clean(text) for text in told[:_MOST_FINDINGS]),
        charts=tuple(str(draw(chart)) for chart in report.charts[:_MOST_CHARTS]),
    )
