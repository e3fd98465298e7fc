"""The end of a night on standard output: verdict, failures by cause, what is not known, suites; text, never markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Column as Head
from rich.table import Table as Grid
from rich.text import Text

from recloser.report.nightly import Case, Mark, Pair, Table, night_in_short, one_line
from recloser.values import ProblemKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recloser.report.nightly import Cell, Item, Listing, Night, Section
    from recloser.values import CycleReport

_STYLES = {Mark.GOOD: "green", Mark.BAD: "red", Mark.UNKNOWN: "yellow", Mark.NOTE: "yellow", Mark.PLAIN: ""}
_SPARED = frozenset({"tier", "skipped", "not run", "price"})
"""Columns of the suites that a terminal has no room for; the page has them."""
_SUSPECTS = 2
"""Of each cause."""
_JOINED = 3
"""Problems that join what looks different."""


def print_night(report: CycleReport, page: Path | None = None) -> None:
    """Print what a person needs to decide what to do next.

    Args:
        report: What is said of the night.
        page: Where the whole page lies; named last, where the eye is.
    """
    console = Console(highlight=False)
    night = night_in_short(report)
    for line in (*_head(night), *(line for section in night.sections for line in _section(section))):
        console.print(line, soft_wrap=not isinstance(line, Grid))
    for line in (*_problems(report), *_deliveries(report)):
        console.print(line, soft_wrap=True)
    if page is not None:
        console.print(Text(f"\npage: {page}"), soft_wrap=True)


def _problems(report: CycleReport) -> Iterator[Text]:
    """Failures of tonight that look different and are one problem."""
    joined = [one for one in report.problems if one.failed and one.kind is not ProblemKind.EXACT]
    for one in joined[:_JOINED]:
        head = f"\n! one problem, {one.kind}: {one.failed} failed tests, seen in {one.nights} of {one.looked} nights: "
        yield Text.assemble((head, "bold yellow"), one_line(one.title))
    if len(joined) > _JOINED:
        yield Text(f"\nand {len(joined) - _JOINED} more such problems, on the page", style="dim")


def _deliveries(report: CycleReport) -> Iterator[Text]:
    if report.sent:
        yield Text(f"\nsent: {one_line(', '.join(report.sent))}")
    for line in report.deliveries:
        yield Text.assemble(("\n✕ not delivered: ", "yellow"), one_line(line))


def _head(night: Night) -> Iterator[Text]:
    verdict = f"\n{night.mark.sign} {night.verdict.upper()}"
    yield Text.assemble((verdict, f"bold {_STYLES[night.mark]}"), f"  {one_line(night.target)}")
    yield Text(one_line(night.reason))
    yield Text(one_line(" · ".join(night.facts)), style="dim")
    tiles = (Text.assemble((tile.value, _STYLES[tile.mark]), f" {tile.label}") for tile in night.tiles)
    yield Text(" · ").join(tiles)


def _section(section: Section) -> Iterator[Text | Grid]:
    for block in section.blocks:
        if isinstance(block, Case):
            yield from _case(block)
        elif isinstance(block, Pair):
            yield from _gaps(block.left)
        elif isinstance(block, Table) and section.anchor == "suites":
            yield from (Text(), _grid(block))
    yield from (Text(f"\n{section.more}", style="dim"),) if section.more else ()


def _case(case: Case) -> Iterator[Text]:
    title = f"\n{case.mark.sign} {one_line(case.word)}: "
    yield Text.assemble((title, f"bold {_STYLES[case.mark]}"), one_line(case.title))
    if case.where:
        yield Text(f"    at {one_line(case.where)}: {one_line(case.source)}", style="dim")
    suspects = [value for name, value in case.facts if name == "suspect"]
    yield from (Text(f"    suspect: {one_line(value)}") for value in suspects[:_SUSPECTS])
    if case.table:
        yield from (Text(f"    {one_line(row[0].text)}") for row in case.table.rows)
        yield from (Text(f"    {case.table.more}", style="dim"),) if case.table.more else ()


def _gaps(listing: Listing) -> Iterator[Text]:
    items = [item for item in listing.items if item.mark is not Mark.PLAIN]
    yield from (Text(f"\n{listing.title}", style="bold"),) if items else ()
    yield from map(_item, items)


def _item(item: Item) -> Text:
    detail = f": {one_line(item.detail)}" if item.detail else ""
    return Text.assemble((f"  {item.mark.sign} ", _STYLES[item.mark]), one_line(item.text), detail)


def _grid(table: Table) -> Grid:
    places = [place for place, column in enumerate(table.columns) if column.name not in _SPARED]
    columns = [table.columns[place] for place in places]
    grid = Grid(*(Head(column.name, justify="right" if column.is_number else "left") for column in columns), box=None)
    for row in table.rows:
        grid.add_row(*(_cell(row[place]) for place in places))
    return grid


def _cell(cell: Cell) -> Text:
    return (
        Text(f"{cell.mark.sign} {one_line(cell.text)}", _STYLES[cell.mark]) if cell.mark else Text(one_line(cell.text))
    )
