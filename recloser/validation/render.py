"""A report for people: text for a terminal, one HTML page that needs nothing else, rows for a table."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from recloser.validation.findings import Finding, Gate, Report, State
from recloser.validation.svg import draw

if TYPE_CHECKING:
    from jinja2 import Template

_SAID_PLACES = 3


def summary_of(report: Report) -> str:
    """How many rules passed, failed and were not run, in a sentence."""
    count = {state: len(report.of_state(state)) for state in State}
    weighty = len(report.of_state(State.FAILED, Gate.CRITICAL))
    failed = f"{count[State.FAILED]} failed" + (f" ({weighty} critical)" if weighty else "")
    parts = [f"{count[State.PASSED]} rules passed", failed]
    parts += [f"{count[State.NOT_RUN]} could not be run"] if count[State.NOT_RUN] else []
    parts += [f"{count[State.NOT_APPLICABLE]} do not apply"] if count[State.NOT_APPLICABLE] else []
    return ", ".join(parts) + "."


def render_text(report: Report) -> str:
    """The verdict, what failed and where, and what could not be checked."""
    lines = [f"{report.verdict.upper()}  {report.subject}", f"  {summary_of(report)}"]
    lines += [f"  {name:<9}  {value}" for name, value in report.facts.items()]
    for finding in report.of_state(State.FAILED):
        lines += ["", f"{finding.gate:<8}  {finding.rule}  {finding.title}", f"          {finding.message}"]
        lines += [f"          at {_place_list(finding)}"] if finding.places else []
    if not_run := report.of_state(State.NOT_RUN):
        lines += ["", "not run:"]
        for reason in dict.fromkeys(finding.message for finding in not_run):
            rules = ", ".join(finding.rule for finding in not_run if finding.message == reason)
            lines.append(f"  {rules}: {reason}")
    return "\n".join(map(_printable, lines))


def render_json(report: Report) -> str:
    """Everything, the verdict included."""
    content = {"verdict": report.verdict.value, "summary": summary_of(report)} | report.model_dump(mode="json")
    return json.dumps(content, indent=2, ensure_ascii=True)


def render_markdown(report: Report) -> str:
    """The verdict and what failed; text of the data stands in code, where it is no markup."""
    lines = [f"**{report.verdict.upper()}** {_code(report.subject)}", "", summary_of(report), ""]
    for finding in (*report.of_state(State.FAILED), *report.of_state(State.NOT_RUN)):
        lines.append(f"- {finding.state.value}, {finding.gate.value}: {_code(f'{finding.rule} {finding.title}')}")
        lines += [f"  {_code(said)}" for said in (finding.message, _place_list(finding)) if said]
    return "\n".join(lines) + "\n"


def render_html(report: Report) -> str:
    """One page with its pictures, that asks nothing of any other place."""
    failed = {gate: report.of_state(State.FAILED, gate) for gate in Gate}
    groups = (
        ("What is wrong", "failed", failed[Gate.CRITICAL]),
        ("What is unusual", "warned", failed[Gate.WARNING]),
        ("What could not be checked", "not-run", report.of_state(State.NOT_RUN)),
        ("To know", "passed", report.of_state(State.FAILED, Gate.INFO)),
    )
    return _template().render(report=report, summary=summary_of(report), groups=groups, draw=draw)


def finding_rows(report: Report) -> list[dict[str, str]]:
    """What a table of the findings shows, worst first."""
    order = [State.FAILED, State.NOT_RUN, State.PASSED, State.NOT_APPLICABLE]
    gates = list(Gate)
    findings = sorted(report.findings, key=lambda found: (order.index(found.state), gates.index(found.gate)))
    return [
        {
            "rule": found.rule,
            "what": found.title,
            "state": found.state.value,
            "gate": found.gate.value,
            "found": found.message,
            "where": _place_list(found),
        }
        for found in findings
    ]


def _place_list(finding: Finding) -> str:
    shown = "; ".join(map(str, finding.places[:_SAID_PLACES]))
    more = finding.count - min(len(finding.places), _SAID_PLACES)
    return f"{shown}; and {more} more" if finding.places and more > 0 else shown


def _code(text: str) -> str:
    """A text as Markdown code: no markup of its own takes effect, since backticks become apostrophes."""
    return f"`{_printable(text).replace('`', chr(39))}`"


def _printable(line: str) -> str:
    """A line without control characters, which could move a terminal's cursor or colour its text."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)


@cache
def _template() -> Template:
    loader = PackageLoader("recloser.validation", "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("report.html.j2")
