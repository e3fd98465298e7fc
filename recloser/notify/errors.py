"""What can go wrong with telling somebody.

NotifyError
├── NotConfigured    a secret that a channel names is not set
└── DeliveryError    one notice did not arrive
    ├── Postponed    … now; it is tried again
    └── Refused      … ever: the receiver says no
"""

from __future__ import annotations

from recloser.errors import RecloserError


class NotifyError(RecloserError):
    """Somebody could not be told; the message says what a person should do, and holds no secret."""


class NotConfigured(NotifyError):  # noqa: N818 - reads as the condition it is
    """A channel names a variable that is not set."""


class DeliveryError(NotifyError):
    """One notice did not arrive."""


class Postponed(DeliveryError):  # noqa: N818
    """The receiver cannot be reached, is busy, or did not answer in time."""

    def __init__(self, message: str, *, retry_after_s: float | None = None, uncertain: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        """What the receiver asked for."""
        self.uncertain = uncertain
        """It may have arrived all the same."""


class Refused(DeliveryError):  # noqa: N818
    """The receiver will not take it, however often it is sent."""
