"""A report as an independent Markdown parser sees it, and texts that try to be more than text."""

from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PLAIN = {"text", "code_inline", "strong_open", "strong_close"}
"""All that a line of a report is made of."""
ATTACKS = [
    "# heading", "- item", "+ item", "* item", "1. one", "12) twelve", "===", "---", "***", "> quote", "    code",
    "```", "~~~", "````\n", "| a | b |", "a|b", "\\|", "\\\\|", "\\", "`", "``", "` `", "a\n\nb", "a\r\n# b", "\n- x",
    "[x](javascript:alert(1))", "![x](http://evil/p.png)", "[x]: http://evil", "<script>alert(1)</script>", "<!--",
    "<http://evil>", "http://evil", "HTTPS://evil", "www.evil.com", "ftp://evil", "me@evil.com", "@everyone", "#1",
    "&lt;", "&#60;", "&amp;lt;", "*a*", "_a_", "__a__", "a_b_c", "~~a~~", "<b", "\x1b[31mred", "\x00", "\ud800",
    "\u202e", "\u2028# x", "{{ 7 * 7 }}", "{% raw %}", "]]>", "$x$", ": x", "-->", "--- | ---", "\t# x", "\x0b# x",
    "\x85# x",
]  # fmt: skip
"""Texts from an enemy."""


def inlines(markdown: str) -> list[list[Token]]:
    """The tokens of each line of text."""
    return [token.children or [] for token in PARSER.parse(markdown) if token.type == "inline"]


def headings(markdown: str) -> list[str]:
    """The headings, as they read."""
    return [
        "".join(child.content for child in text.children or [])
        for opening, text in pairwise(PARSER.parse(markdown))
        if opening.type == "heading_open"
    ]


def row_widths(markdown: str) -> list[int]:
    """The number of cells in each row of every table."""
    widths: list[int] = []
    for token in PARSER.parse(markdown):
        if token.type == "tr_open":
            widths.append(0)
        elif token.type in {"td_open", "th_open"}:
            widths[-1] += 1
    return widths


def block_types(markdown: str) -> list[str]:
    """The kinds of the blocks."""
    return [token.type for token in PARSER.parse(markdown)]
