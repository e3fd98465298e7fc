"""Which failures are one: equal by exception, masked message and place.

Two failures are never one because their messages are; without a stack, their test is their place.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from recloser.analytics.masking import mask

__all__ = ["KEPT_CHARACTERS", "KEPT_FRAMES", "KEPT_LINES", "Sighting", "exact_key", "mask"]

KEPT_FRAMES = 3
"""Innermost frames that name the place of a failure."""
KEPT_LINES = 20
"""Lines of a message that count: an assertion's diff goes on for longer than it says anything."""
KEPT_CHARACTERS = 1000
"""Characters of a masked message that count."""

_READ = 8 * KEPT_CHARACTERS  # characters that are masked at all; far enough beyond those that are kept


def exact_key(exception: str, message: str, frames: Sequence[str], test_id: str = "") -> str:
    """The key of a failure: equal for equal failures, whatever their times, numbers, paths and identifiers.

    Args:
        exception: Its type.
        message: Its message, as raised.
        frames: `file:function` in the code under test, innermost last, without line numbers.
        test_id: The test it failed; stands in for the frames where there are none.

    Returns:
        SHA-256 in hexadecimal, of exception, masked message and the last three frames.
    """
    return Sighting(exception, message, tuple(frames), test_id).key


@dataclass(frozen=True)
class Sighting:
    """A failure as far as its identity goes."""

    exception: str
    message: str
    frames: tuple[str, ...] = ()
    """`file:function` in the code under test, innermost last."""
    test_id: str = ""

    @cached_property
    def place(self) -> tuple[str, ...]:
        """Where it failed: its innermost frames, or its test where it has none."""
        return self.frames[-KEPT_FRAMES:] or (self.test_id,)

    @cached_property
    def words(self) -> str:
        """The message without what changes from run to run, as much of it as counts."""
        lines = mask(self.message[:_READ]).splitlines()
        return "\n".join(line.strip() for line in lines[:KEPT_LINES])[:KEPT_CHARACTERS]

    @cached_property
    def key(self) -> str:
        """The exact key."""
        identity = json.dumps([self.exception, self.words, *self.place])
        return hashlib.sha256(identity.encode()).hexdigest()
