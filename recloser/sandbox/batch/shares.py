"""Share identifiers and scheduling priorities: taken where a queue has a scheduling policy, refused elsewhere.

They are kept, shown and listed by; jobs of every share run first in, first out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from recloser.sandbox.batch.model import BatchError, Document

if TYPE_CHECKING:
    from recloser.sandbox.batch.store import Store

MAX_SHARES: Final = 500
MAX_PRIORITY: Final = 9999
_SHARE: Final = re.compile(r"[A-Za-z0-9]{1,255}\*?", re.ASCII)
_POLICY: Final = re.compile(r"arn:aws:batch:[a-z0-9-]+:\d{12}:scheduling-policy/[A-Za-z0-9_-]{1,128}", re.ASCII)


def check_share(store: Store, queue: Document, request: Document) -> None:
    """Refuse a submission whose share does not fit its queue.

    Raises:
        BatchError: It names the member and what was expected.
    """
    share, queue_name = request.get("shareIdentifier"), queue["jobQueueName"]
    check_priority(request.get("schedulingPriorityOverride"), "schedulingPriorityOverride")
    if not queue.get("schedulingPolicyArn"):
        for name in ("shareIdentifier", "schedulingPriorityOverride"):
            if request.get(name) not in (None, ""):
                raise BatchError(f"{name} should be absent: job queue {queue_name} has no scheduling policy")
        return
    if not share:
        raise BatchError(f"shareIdentifier is required: job queue {queue_name} has a scheduling policy")
    if not _SHARE.fullmatch(share):
        message = f"shareIdentifier should be 1-255 letters and digits, '*' at the end only, got {share[:256]!r}"
        raise BatchError(message)
    active = store.active_shares(queue["jobQueueArn"])
    if share not in active and len(active) >= MAX_SHARES:
        raise BatchError(f"job queue {queue_name} has {MAX_SHARES} active share identifiers; no more are allowed")


def check_priority(priority: int | None, field: str) -> None:
    """Refuse a scheduling priority out of range."""
    if priority is not None and not 0 <= priority <= MAX_PRIORITY:
        raise BatchError(f"{field} should be between 0 and {MAX_PRIORITY}, got {priority}")


def check_policy(policy: str) -> None:
    """Refuse what is no scheduling policy's ARN."""
    if not _POLICY.fullmatch(policy):
        raise BatchError(f"schedulingPolicyArn should be the ARN of a scheduling policy, got {policy[:256]!r}")
