"""Texts from outside, fit to be shown: short, and without characters that steer a reader unseen."""

import re

from recloser.report.markdown import visible

LIMIT = 400
"""Characters of one text in one place; passages have a limit of their own."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def shown(text: str) -> str:
    """A text without the colours of a terminal; other characters that steer unseen become visible."""
    return visible(_COLOURS.sub("", text))


def one_line(text: str) -> str:
    """A text as one line, cut where it is far too long for one."""
    left = len(text) - LIMIT
    line = " ".join(shown(text[:LIMIT]).split())
    return line if left <= 0 else f"{line} … ({left:,} more characters)"


def tail(text: str, limit: int) -> str:
    """The end of a text, which says most of a failure, and how much was left out before it."""
    left = len(text) - limit
    return text if left <= 0 else f"({left:,} characters left out)\n{text[left:]}"
