"""What the page of a night is made of: plain values, drawn as HTML, as Markdown and on a terminal alike.

Every text in a block is as it came, hostile or not; whoever draws a block escapes it.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Mark(StrEnum):
    """How something stands; every colour has a sign and a word beside it."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"
    """Not verified: neither good nor bad."""
    NOTE = "note"
    """To be looked at; speaks against nothing yet."""
    PLAIN = "plain"

    @property
    def sign(self) -> str:
        """One character that says the same without colour."""
        return {"good": "✓", "bad": "✕", "unknown": "?", "note": "!", "plain": "·"}[self.value]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table."""

    text: str
    mark: Mark | None = None
    code: bool = False
    href: str = ""
    """A place on the page, or a file beside it."""
    bar: tuple[float, float] | None = None
    """From where to where it reaches, as shares of the column's width."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a caption; what was left out is said in `more`."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: str = ""
    kind: str = field(default="table", init=False)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a list."""

    text: str
    mark: Mark
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list under a heading of its own."""

    title: str
    items: tuple[Item, ...]
    more: str = ""
    empty: str = ""
    """What is said where there are no items."""
    kind: str = field(default="listing", init=False)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two lists, side by side where there is room."""

    left: Listing
    right: Listing
    kind: str = field(default="pair", init=False)


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines of text as they were printed, folded away."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is wrong, with all that is known of it."""

    anchor: str
    title: str
    mark: Mark
    word: str
    """What it is judged to be."""
    facts: tuple[tuple[str, str], ...] = ()
    where: str = ""
    source: str = ""
    passages: tuple[Passage, ...] = ()
    table: Table | None = None
    kind: str = field(default="case", init=False)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a plot: its parts from the bottom up."""

    label: str
    parts: tuple[tuple[str, float], ...]
    """Kind of each part (`passed`, `failed`, `skipped`, `time`, `gap`), and how tall it is."""


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars over time; its words stand around the picture, so that they are as large as all others."""

    title: str
    top: str
    """What the tallest bar stands for."""
    first: str
    last: str
    bars: tuple[Bar, ...]
    legend: tuple[tuple[str, str], ...] = ()
    """Kind and name of each part."""
    kind: str = field(default="plot", init=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that another room drew, as SVG."""

    title: str
    svg: str
    kind: str = field(default="picture", init=False)


Block = Table | Listing | Pair | Case | Plot | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page."""

    anchor: str
    title: str
    count: str = ""
    """How many there are of what it shows; stands beside the title."""
    mark: Mark | None = None
    intro: str = ""
    blocks: tuple[Block, ...] = ()
    more: str = ""
    """How many blocks are left out."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One key number."""

    label: str
    value: str
    note: str = ""
    mark: Mark = Mark.PLAIN
    href: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """One night of those before."""

    label: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Night:
    """The whole page, in the order in which it is read."""

    target: str
    title: str
    mark: Mark
    verdict: str
    reason: str
    facts: tuple[str, ...]
    tiles: tuple[Tile, ...]
    ticks: tuple[Tick, ...]
    sections: tuple[Section, ...]
    footer: str
