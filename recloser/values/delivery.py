"""What is sent to a person or a tracker, and what became of it."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from recloser.values.alert import Finding, Severity
from recloser.values.base import Value


class Purpose(StrEnum):
    """What a notice is for."""

    ALERT = "alert"
    """Something began, came back, got worse or flaps."""
    DIGEST = "digest"
    """What lasts."""
    RESOLVED = "resolved"
    ISSUE_FAILING = "issue-failing"
    """An issue has to be there, open, and say that it happened again."""
    ISSUE_GREEN = "issue-green"
    """An issue may be closed."""
    TEST = "test"


class Change(StrEnum):
    """What a line of a notice says of its finding."""

    NEW = "new"
    AGAIN = "again"
    """It was over, and is back."""
    WORSE = "worse"
    """Its severity rose: it lasted too long, or the rules say so."""
    STILL = "still"
    FLAPPING = "flapping"
    RESOLVED = "resolved"


class Line(Value):
    """One finding in a notice."""

    finding: Finding
    change: Change
    severity: Severity
    nights: int = Field(default=1, ge=1)
    cycle_id: str
    """Cycle it was found in."""
    at: datetime
    """When it began."""


class Notice(Value):
    """What is said, free of any channel's form; redacted."""

    target: str
    purpose: Purpose
    severity: Severity = Severity.INFO
    owner: str = ""
    cycle_id: str
    at: datetime
    lines: tuple[Line, ...] = ()
    report: str = ""


class Outgoing(Value):
    """A notice on its way to one channel."""

    key: str
    """Unique; the receiver's means to know it again."""
    target: str
    channel: str
    group: str
    """Notices of one group arrive in the order in which they were written."""
    slot: str = ""
    """A notice that is not sent yet takes up what comes to the same slot."""
    thread: str = ""
    """Key of the message it answers; its own where it begins a thread."""
    notice: Notice


class DeliveryState(StrEnum):
    """Where a notice is."""

    PENDING = "pending"
    SENDING = "sending"
    """A sender holds it for a while."""
    DELIVERED = "delivered"
    """The answer was read and says so."""
    DEAD = "dead"
    """The receiver refused it for good."""
    CANCELLED = "cancelled"
    """It was overtaken before it was sent: what it announced is over already."""


class Link(Value):
    """What a fingerprint or thread is called at a receiver: the `ts` of a message, the number of an issue."""

    place: str
    """`slack:C012…`, `github:owner/name`."""
    name: str
    """The fingerprint of an issue, the key of a thread."""
    reference: str = ""
    """Empty while it is being made."""
    url: str = ""
    open: bool = True
    opened_at: datetime
    touched_at: datetime
    """When it was last written to."""
    closed_at: datetime | None = None


class Delivery(Outgoing):
    """A notice, and what became of it so far."""

    state: DeliveryState = DeliveryState.PENDING
    created_at: datetime
    attempts: int = Field(default=0, ge=0)
    first_tried_at: datetime | None = None
    next_try_at: datetime
    uncertain: bool = False
    """An attempt ended without a known outcome: it may have arrived."""
    error: str = ""
    receipt: str = ""
    settled_at: datetime | None = None


class Receipt(Value):
    """What a receiver answered, checked."""

    text: str
    """For a person: `ts 1712.0001`, `#12 opened`."""
    reference: str = ""
    """What later notices of the same thread have to name."""
    url: str = ""
    open: bool = True
