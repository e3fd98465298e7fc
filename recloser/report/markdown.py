"""Hostile text as Markdown that shows it and does nothing else.

Job names, reasons and log lines come from outside. Whatever they hold, they must never become a link, a heading,
HTML, a mention or a second column. The three ways in are `escape_inline` (prose), `code_span` (names to copy) and
`fence` (logs, diffs); each returns `Markdown`, the only text the template lets through as it is.
"""

import re
from collections.abc import Iterable


class Markdown(str):
    """Text that is Markdown already; any other text is escaped before it reaches a report."""

    __slots__ = ()

    def __html__(self) -> str:
        """Tell Jinja that nothing is left to escape."""
        return str(self)


NOTHING = Markdown("–")  # noqa: RUF001 - the dash of an empty table cell
EMPTY = Markdown("(empty)")

_WORD_JOINER = "\N{WORD JOINER}"  # has no width: it only parts what would be recognised as a link or a mention
_UNSEEN = (
    (0x7F, 0x9F),  # delete and the C1 controls
    (0xAD, 0xAD),  # soft hyphen
    (0x61C, 0x61C),  # bidirectional marks, which reorder what is read
    (0x180E, 0x180E),
    (0x200B, 0x200F),  # zero width
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0xD800, 0xDFFF),  # halves of a character, left by a broken decoding; no file can hold them
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE007F),  # tags, invisible
)
_VISIBLE = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"} | {
    code: "\N{REPLACEMENT CHARACTER}" for first, last in _UNSEEN for code in range(first, last + 1)
}
_LINE_END = re.compile("\r\n?")
_BACKTICKS = re.compile("`+")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKUP = re.compile(r"[\\`*\[\]!|~$#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_BLOCK_START = re.compile(r"^(\d{1,9}(?=[.)])|(?=[-+=:]))")
_LINK_START = re.compile(r"(?:(?<=https:)|(?<=http:)|(?<=ftp:))(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_MENTION = re.compile(r"(?<!\w)@(?=\w)|@(?=[\w-]+\.\w)")


def visible(text: str) -> str:
    """The text with a picture or a replacement for each character that steers a terminal or a reader unseen."""
    return _LINE_END.sub("\n", text).translate(_VISIBLE)


def escape_inline(text: str) -> Markdown:
    """One line of prose that reads like the text; a run of white space becomes one space."""
    line = visible(" ".join(text.split()))
    parted = _MENTION.sub("@" + _WORD_JOINER, _LINK_START.sub(_WORD_JOINER, line))
    escaped = _MARKUP.sub(r"\\\g<0>", parted.translate(_ENTITIES))
    return Markdown(_BLOCK_START.sub(r"\1\\", escaped))


def code_span(text: str) -> Markdown:
    """The text as code within a line, exact but for line ends, which become spaces; not for a table cell."""
    line = visible(text).replace("\n", " ").replace("\t", " ")
    if not line.strip():
        return EMPTY
    ticks = "`" * (_longest_run(line) + 1 if "`" in line else 1)
    pad = " " if line[0] in " `" or line[-1] in " `" else ""
    return Markdown(f"{ticks}{pad}{line}{pad}{ticks}")


def cell_code(text: str) -> Markdown:
    """The text as code in a table cell; as prose if it holds a `|`, which parsers escape in different ways."""
    return escape_inline(text) if "|" in text else code_span(text)


def fence(text: str, language: str = "text") -> Markdown:
    """The text as a block of its own, every line as it is.

    Args:
        text: What to show.
        language: How to colour it; ours, never from outside.
    """
    block = visible(text).rstrip("\n")
    ticks = "`" * max(3, _longest_run(block) + 1)
    return Markdown(f"{ticks}{language}\n{block}\n{ticks}") if block else EMPTY


def table_row(cells: Iterable[Markdown]) -> Markdown:
    """One row of a table."""
    return Markdown(f"| {' | '.join(cells)} |")


def _longest_run(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)
