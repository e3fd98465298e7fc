"""Pages of answers: an opaque token that carries where the next page starts."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from recloser.sandbox.batch.model import BatchError, Document

if TYPE_CHECKING:
    from collections.abc import Sequence


def token_of(position: int) -> str:
    """Hide a position in a token."""
    return base64.urlsafe_b64encode(f"recloser:{position}".encode()).decode()


def position_in(request: Document, default: int) -> int:
    """Read the position from a request's token.

    Raises:
        BatchError: The token is none of ours.
    """
    token = request.get("nextToken")
    if not token:
        return default
    try:
        kind, _, position = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if kind == "recloser":
            return int(position)
    except (ValueError, binascii.Error):
        pass
    raise BatchError("Invalid nextToken")


def size_of(request: Document, limit: int) -> int:
    """How many results a page has: what was asked for, at most `limit`."""
    asked = request.get("maxResults") or limit
    if asked < 1:
        raise BatchError(f"maxResults should be between 1 and {limit}, got {asked}")
    return min(int(asked), limit)


def page(member: str, items: Sequence[Document], request: Document, *, limit: int) -> Document:
    """Cut one page out of all items."""
    start, size = position_in(request, 0), size_of(request, limit)
    answer: Document = {member: list(items[start : start + size])}
    if start + size < len(items):
        answer["nextToken"] = token_of(start + size)
    return answer
