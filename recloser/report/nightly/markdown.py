"""A night as Markdown for the Prefect UI, and its suites as rows of a table there."""

from collections.abc import Iterable, Iterator
from functools import singledispatch

from recloser.report.markdown import NOTHING, Markdown, code_span, escape_inline, fence, table_row
from recloser.report.nightly.blocks import Block, Case, Cell, Item, Listing, Night, Pair, Picture, Plot, Section, Table
from recloser.report.nightly.checks import suites_section
from recloser.report.nightly.limits import ARTIFACT, within
from recloser.report.nightly.page import night_of
from recloser.report.nightly.texts import one_line, shown
from recloser.values import CycleReport

MOST_BYTES = 250_000
"""Of an artifact, which the Prefect UI loads whole and draws by script."""


def nightly_markdown(report: CycleReport) -> str:
    """A night as Markdown, shorter than the page: what it says stands in the same order.

    Args:
        report: All that is said of the night, texts hostile or not.
    """
    return within(MOST_BYTES, ARTIFACT, lambda limits: "\n".join(_lines(night_of(report, limits))) + "\n")


def nightly_table(report: CycleReport) -> list[dict[str, str]]:
    """One row for each suite, its cells safe as Markdown and without a line end."""
    tables = (block for block in suites_section(report, ARTIFACT).blocks if isinstance(block, Table))
    return [
        {column.name: str(_cell(cell)) for column, cell in zip(table.columns, row, strict=True)}
        for table in tables
        for row in table.rows
    ]


def _lines(night: Night) -> Iterator[str]:
    yield f"# {night.mark.sign} {_line(night.verdict)}: {_line(night.target) or NOTHING}"
    yield from ("", f"**{_line(night.reason)}**", "", _dotted(map(_line, night.facts)), "")
    for tile in night.tiles:
        note = f" ({_line(tile.note)})" if tile.note else ""
        yield f"- {tile.mark.sign} {tile.label}: **{_line(tile.value)}**{note}"
    if len(night.ticks) > 1:
        yield from ("", f"The last {len(night.ticks)} nights: {' '.join(tick.mark.sign for tick in night.ticks)}")
    for section in night.sections:
        yield from _section(section)
    yield from ("", "---", "", _line(night.footer))


def _section(section: Section) -> Iterator[str]:
    count = f" ({_line(section.count)})" if section.count else ""
    yield from ("", f"## {_line(section.title)}{count}")
    if section.intro:
        yield from ("", _line(section.intro))
    for block in section.blocks:
        yield from _drawn(block)
    yield from _more(section.more)


@singledispatch
def _drawn(block: Block) -> Iterator[str]:
    raise TypeError(f"no Markdown for {type(block).__name__}")


@_drawn.register
def _(table: Table) -> Iterator[str]:
    yield from ("", f"**{_line(table.caption)}**", "")
    said = [place for place in range(len(table.columns)) if not any(row[place].bar for row in table.rows)]
    yield table_row(_line(table.columns[place].name) for place in said)
    yield table_row(Markdown("---:" if table.columns[place].is_number else "---") for place in said)
    yield from (table_row(_cell(row[place]) for place in said) for row in table.rows)
    yield from _more(table.more)


@_drawn.register
def _(listing: Listing) -> Iterator[str]:
    yield ""
    if listing.title:
        yield from (f"**{_line(listing.title)}**", "")
    yield from map(_item, listing.items)
    yield from () if listing.items else (_line(listing.empty),)
    yield from _more(listing.more)


@_drawn.register
def _(pair: Pair) -> Iterator[str]:
    yield from _drawn(pair.left)
    yield from _drawn(pair.right)


@_drawn.register
def _(case: Case) -> Iterator[str]:
    yield from ("", f"### {case.mark.sign} {_line(case.word)}: {_line(case.title)}")
    if case.where:
        yield from ("", f"at {code_span(one_line(case.where))}")
    if case.source:
        yield from ("", fence(one_line(case.source)))
    if case.facts:
        yield from ("", *(f"- {_line(name)}: {_line(value)}" for name, value in case.facts))
    for passage in case.passages:
        yield from ("", f"{passage.title}:", "", fence(shown(passage.text)))
    if case.table:
        yield from _drawn(case.table)


@_drawn.register(Plot)
@_drawn.register(Picture)
def _(_block: Plot | Picture) -> Iterator[str]:
    yield from ()  # pictures are on the page


def _cell(cell: Cell) -> Markdown:
    text = _line(cell.text) or NOTHING
    return Markdown(f"{cell.mark.sign} {text}") if cell.mark else text


def _item(item: Item) -> str:
    detail = f": {_line(item.detail)}" if item.detail else ""
    return f"- {item.mark.sign} {_line(item.text)}{detail}"


def _more(words: str) -> Iterator[str]:
    if words:
        yield from ("", _line(words))


def _line(text: str) -> Markdown:
    return escape_inline(one_line(text))


def _dotted(parts: Iterable[str]) -> str:
    return " · ".join(parts)
