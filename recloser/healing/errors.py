"""What can go wrong while healing, as opposed to what went wrong with the job.

HealingError
├── NotReady         the declared queue, definition, role… is not there; nothing was submitted
├── WatchTimedOut    the attempt did not end in the time the target allows
├── ChangeFailed     a change could not be applied or was not found in place
└── Refused          a remedy does not apply, or a guardrail forbids it
    └── Proposed     … and the exact change is left to a person
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.errors import RecloserError

if TYPE_CHECKING:
    from recloser.healing.remedies.change import Change


class HealingError(RecloserError):
    """Healing could not go on; the message says what a person should do."""


class NotReady(HealingError):  # noqa: N818 - reads as the condition it is
    """Something the target declares is missing; nothing was submitted."""


class WatchTimedOut(HealingError):  # noqa: N818
    """The attempt did not end, or vanished, in the time the target allows."""


class ChangeFailed(HealingError):  # noqa: N818
    """A change could not be applied, or reading it back did not find it."""


class Refused(HealingError):  # noqa: N818
    """This remedy is not available here; the message is the reason shown to a person."""


class Proposed(Refused):
    """A remedy outside what the target declares; `change` is exactly what it would be.

    It is never applied in `auto`. In `manual` a person may approve it, unless it only words what a person must do.
    """

    def __init__(self, reason: str, change: Change) -> None:
        """Say why it is not done here, and what exactly it would be."""
        super().__init__(reason)
        self.change = change
