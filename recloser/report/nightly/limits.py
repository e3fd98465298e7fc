"""How much of a night is shown; all of it is in `nightly.json`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from recloser.report.nightly.blocks import Cell, Column, Table

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds of what a page shows."""

    rows: int
    """Of any table or list."""
    groups: int
    """Of failures, those of one cause together."""
    tests: int
    """In each group, and in each list of what changed."""
    passage: int
    """Characters of a log or a traceback, from its end."""
    pictures: int
    """Characters of all pictures of the data together."""
    nights: int = 90
    """In the charts."""

    def halved(self) -> "Limits":
        """Half as much of everything that may be long."""
        return replace(
            self,
            rows=max(5, self.rows // 2),
            groups=max(3, self.groups // 2),
            tests=max(2, self.tests // 2),
            passage=max(300, self.passage // 2),
            pictures=self.pictures // 2,
        )


PAGE = Limits(rows=60, groups=60, tests=20, passage=8_000, pictures=600_000)
ARTIFACT = Limits(rows=25, groups=10, tests=10, passage=1_500, pictures=0, nights=0)
TERMINAL = Limits(rows=10, groups=8, tests=3, passage=0, pictures=0, nights=0)


def within(most_bytes: int, limits: Limits, draw: Callable[[Limits], str]) -> str:
    """Draw as much as fits: what is too large is drawn again with half of everything that may be long."""
    text = draw(limits)
    while len(text.encode()) > most_bytes and (less := limits.halved()) != limits:
        limits = less
        text = draw(limits)
    return text


def tabled(
    caption: str,
    names: Sequence[str],
    items: Sequence[T],
    row: Callable[[T], tuple[Cell, ...]],
    *,
    limit: int,
    noun: str,
) -> Table:
    """A table with one row for each of the first items.

    Args:
        caption: What it shows.
        names: Of its columns; `>` before a name tells one of numbers.
        items: What has a row each.
        row: Makes the cells of one.
        limit: How many are shown.
        noun: What they are, in the plural, where some are left out.
    """
    shown, more = cut(items, limit, noun)
    columns = tuple(Column(name.removeprefix(">"), is_number=name.startswith(">")) for name in names)
    return Table(caption, columns, tuple(map(row, shown)), more)


def cut(items: Sequence[T], limit: int, noun: str = "") -> tuple[Sequence[T], str]:
    """The first of some items, and how many are left out, in words."""
    left = len(items) - limit
    return (items, "") if left <= 0 else (items[:limit], f"and {left:,} more {noun}".rstrip() + ", in nightly.json")
