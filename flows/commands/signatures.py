"""`recloser signatures`: how failures look, for those who read or add a signature. Nothing is changed."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from recloser.diagnosis.authoring import find_signature, review
from recloser.diagnosis.calibration import calibration
from recloser.diagnosis.catalogue import catalogue, read_signatures
from recloser.diagnosis.causes import cause_facts
from recloser.diagnosis.symptoms import Symptoms
from recloser.diagnosis.verdict import examine
from recloser.errors import RecloserError
from recloser.values import Cause  # noqa: TC001 - typer reads the annotations

if TYPE_CHECKING:
    from recloser.diagnosis.signature import Signature

app = typer.Typer(no_args_is_help=True, help="How failures look: the signatures that `recloser diagnose` knows.")


@app.command("list")
def list_signatures(
    cause: Annotated[Cause | None, typer.Option("--cause", help="Only signatures of this cause.")] = None,
) -> None:
    """List the signatures in order of precedence."""
    table = Table("id", "cause", "step", "tier", "where", box=None)
    for signature in catalogue():
        if cause in {None, signature.cause}:
            where = ", ".join(signature.where)
            table.add_row(Text(signature.id), signature.cause, signature.step, signature.tier, where)
    _console().print(table)


@app.command()
def show(name: Annotated[str, typer.Argument(help="Id of a signature, such as S042.")]) -> None:
    """Show one signature, its wording, what confirms it and what may be done."""
    _print(_found(name))


@app.command()
def explain(
    text: Annotated[str, typer.Argument(help="Id of a signature, or a line as a service or job wrote it.")],
) -> None:
    """Say what a signature means, or what Recloser makes of a line and which signatures it matches."""
    known = find_signature(text)
    if known is not None:
        _print(known)
        return
    console = _console()
    for field, symptoms in (
        ("as a status reason", Symptoms(status_reason=text)),
        ("as a container reason", Symptoms(container_reason=text)),
        ("as a line of the log", Symptoms(log=(text,))),
    ):
        finding = examine(symptoms)
        console.print(Text.assemble((f"{field}: ", "bold"), f"{finding.cause} ({finding.confidence:.0%})"))
        for candidate in finding.candidates:
            doubts = f"; {'; '.join(candidate.doubts)}" if candidate.doubts else ""
            console.print(Text(f"  {candidate.signature}: {candidate.cause} ({candidate.confidence:.0%}){doubts}"))


@app.command()
def test(
    file: Annotated[Path, typer.Argument(help="A TOML file of signatures.")],
) -> None:
    """Check a file of signatures: its form, its examples and counter-examples, and which known ones shadow it.

    Exit codes: 0 nothing is wrong, 1 an example fails, 2 the file cannot be used.
    """
    try:
        signatures = read_signatures(file)
    except RecloserError as error:
        typer.echo(f"recloser: {error}", err=True)
        raise typer.Exit(2) from None
    problems = [problem for signature in signatures for problem in review(signature)]
    for problem in problems:
        _console().print(Text(f"{'error' if problem.fatal else 'note'}: {problem.signature}: {problem.said}"))
    wrong = sum(problem.fatal for problem in problems)
    typer.echo(f"{len(signatures)} signatures, {wrong} errors, {len(problems) - wrong} notes")
    raise typer.Exit(1 if wrong else 0)


def _found(name: str) -> Signature:
    known = find_signature(name)
    if known is None:
        typer.echo(f"recloser: no signature {name!r}; `recloser signatures list` shows them", err=True)
        raise typer.Exit(2)
    return known


def _print(signature: Signature) -> None:
    console, facts = _console(), cause_facts()[signature.cause]
    worth = calibration().reliability(signature.tier)
    rows = {
        "cause": f"{signature.cause}: {facts.means}",
        "concerned": facts.concerned,
        "do": facts.advice,
        "step": f"{signature.step}, in {', '.join(signature.where)}",
        "believed": f"{worth:.0%} ({signature.tier})",
        "phrases": " | ".join(signature.any),
        "pattern": signature.pattern or "",
        "needs": " + ".join(signature.needs),
        "unless": " | ".join(signature.unless),
        "exit codes": ", ".join(map(str, signature.exit_codes)),
        "confirmed by": ", ".join(signature.confirmed_by),
        "remedies": f"{', '.join(signature.remedies)} [{signature.level}]" if signature.remedies else "",
        "summary": signature.summary,
        "examples": " | ".join(signature.examples),
        "source": signature.source,
    }
    console.print(Text(signature.id, "bold cyan"))
    for head, text in rows.items():
        if text:
            console.print(Text.assemble((f"{head:>14}  ", "dim"), text))


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)
