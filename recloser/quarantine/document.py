"""The quarantine as text: `[[test]]` blocks that keep every comment and every character people wrote.

A block is edited as a whole or left alone, byte for byte; nothing is parsed and written out anew. What lies between
blocks belongs to one of them: comment lines right above `[[test]]` go with it, others stay where they are.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_HEADER = re.compile(r"""[ \t]*\[\[[ \t]*(test|"test"|'test')[ \t]*\]\][ \t]*(#.*)?\r?\n?\Z""")


@dataclass(frozen=True, slots=True)
class Block:
    """One entry: what is right above its header, its keys, and what follows it without belonging to it."""

    lead: str
    body: str
    tail: str

    @property
    def text(self) -> str:
        """All of it."""
        return self.lead + self.body + self.tail

    def table(self) -> dict[str, Any]:
        """Its keys."""
        table: dict[str, Any] = tomllib.loads(self.body)["test"][0]
        return table


@dataclass(frozen=True, slots=True)
class Document:
    """What is above the first entry, and the entries in their order."""

    head: str = ""
    blocks: tuple[Block, ...] = ()

    @property
    def text(self) -> str:
        """The file."""
        return self.head + "".join(block.text for block in self.blocks)

    def without(self, place: int) -> Document:
        """The document without one entry; a comment of its own below it stays."""
        tail = self.blocks[place].tail
        kept = tail if "#" in tail else ""
        before, after = self.blocks[:place], self.blocks[place + 1 :]
        if not before:
            return Document(self.head + kept.lstrip("\r\n"), after)
        last = replace(before[-1], tail=before[-1].tail + kept.lstrip("\r\n"))
        return Document(self.head, (*before[:-1], last, *after))

    def with_entry(self, body: str, place: int) -> Document:
        """The document with one more entry, in front of the one at a place; no other line moves."""
        newline = "\r\n" if "\r\n" in self.text else "\n"
        body = body.replace("\n", newline)
        above = self.head + "".join(block.text for block in self.blocks[:place])
        new = Block("", body, newline if place < len(self.blocks) else "")
        gap = _gap(above, newline)
        if place == 0:
            return Document(self.head + gap, (new, *self.blocks))
        last = self.blocks[place - 1]
        before = (*self.blocks[: place - 1], replace(last, tail=last.tail + gap))
        return Document(self.head, (*before, new, *self.blocks[place:]))


def split(text: str) -> Document:
    """Take a file apart.

    Args:
        text: Valid TOML.

    Returns:
        Its parts; joined, they are the same text. An entry that is not written as `[[test]]` is in none of them.
    """
    head, *pieces = _pieces(text)
    if not pieces:
        return Document(head)
    head, lead = _cut(head, _lead_lines)
    blocks = []
    for at, piece in enumerate(pieces, start=1):
        own, above_next = _cut(piece, _lead_lines) if at < len(pieces) else (piece, "")
        blocks.append(Block(lead, *_cut(own, _tail_lines)))
        lead = above_next
    return Document(head, tuple(blocks))


def _pieces(text: str) -> list[str]:
    """What is above the first header, then each header with all that follows up to the next."""
    pieces, begun = [], ""
    for line in _lines(text):
        # A line that looks like a header may be part of a string of several lines: what is above it is then not whole.
        if _HEADER.match(line) and _parsed(begun) is not None:
            pieces.append(begun)
            begun = ""
        begun += line
    return [*pieces, begun]


def _cut(piece: str, count: Callable[[list[str]], int]) -> tuple[str, str]:
    """A piece without its last lines, and those; nothing is cut off that is more than comments and blank lines."""
    lines = _lines(piece)
    at = len(lines) - count(lines)
    kept, rest = "".join(lines[:at]), "".join(lines[at:])
    return (kept, rest) if _parsed(kept) == _parsed(piece) else (piece, "")


def _lead_lines(lines: list[str]) -> int:
    return next((at for at, line in enumerate(reversed(lines)) if not _is_comment(line)), len(lines))


def _tail_lines(lines: list[str]) -> int:
    """From the first blank line on, of the comments and blank lines at the end."""
    loose = next((at for at, line in enumerate(reversed(lines)) if line.strip() and not _is_comment(line)), len(lines))
    end = lines[len(lines) - loose :]
    return next((loose - at for at, line in enumerate(end) if not line.strip()), 0)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _lines(text: str) -> list[str]:
    """Lines as TOML has them, with their ends: fewer characters end a line there than in Python."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _gap(above: str, newline: str) -> str:
    """What makes a blank line below some text."""
    if not above or above.endswith(("\n\n", "\n\r\n")):
        return ""
    return newline if above.endswith("\n") else newline * 2
