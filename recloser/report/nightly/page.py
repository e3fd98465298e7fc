"""A night arranged in the order in which it is read: what needs a person first."""

from dataclasses import replace

from recloser import __version__
from recloser.report.nightly.blocks import Night
from recloser.report.nightly.checks import suites_section, unverified_section
from recloser.report.nightly.failures import causes_section, flaky_section, new_section, slower_section
from recloser.report.nightly.head import facts_of, reason_of, ticks_of, tiles_of
from recloser.report.nightly.limits import TERMINAL, Limits
from recloser.report.nightly.past import (
    actions_section,
    deliveries_section,
    history_section,
    metrics_section,
    stages_section,
    versions_section,
)
from recloser.report.nightly.premises import data_section, services_section
from recloser.report.nightly.problems import problems_section
from recloser.report.nightly.words import verdict_mark, verdict_word
from recloser.values import CycleReport

_SECTIONS = (
    new_section,
    problems_section,
    causes_section,
    slower_section,
    flaky_section,
    unverified_section,
    suites_section,
    data_section,
    services_section,
    stages_section,
    history_section,
    metrics_section,
    actions_section,
    deliveries_section,
    versions_section,
)
_SHORT = frozenset({"causes", "not-verified", "suites"})


def night_of(report: CycleReport, limits: Limits) -> Night:
    """Arrange a report; nothing is left to be computed by whoever draws it."""
    cycle = report.cycle
    word = verdict_word(cycle.verdict)
    sections = tuple(section for make in _SECTIONS if (section := make(report, limits)) is not None)
    anchors = {f"#{section.anchor}" for section in sections}
    return Night(
        target=cycle.target,
        title=f"{cycle.target}: {word.lower()}",
        mark=verdict_mark(cycle.verdict),
        verdict=word,
        reason=reason_of(report),
        facts=facts_of(report),
        tiles=tuple(tile if tile.href in anchors else replace(tile, href="") for tile in tiles_of(report)),
        ticks=ticks_of(report),
        sections=sections,
        footer=f"Cycle {cycle.cycle_id} of {cycle.target}, written by Recloser {__version__}. "
        "Everything, uncut, is in nightly.json beside this page; every test is in junit.xml.",
    )


def night_in_short(report: CycleReport) -> Night:
    """What fits on a terminal: failures by cause, what was not verified, and the suites."""
    night = night_of(report, TERMINAL)
    return replace(night, sections=tuple(section for section in night.sections if section.anchor in _SHORT))
