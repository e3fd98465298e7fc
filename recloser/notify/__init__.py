"""Who is told: rules, groups, one durable outbox, and the channels behind it.

    facts of a cycle → findings (rules) → alerts (lifecycle) → notices (plan) → outbox → receivers (sender, channels)

Everything up to the outbox is one transaction with the verdict; what is after it can fail, and changes no verdict.
"""

from recloser.notify.announce import Announcement, announce
from recloser.notify.clock import Clock, WallClock
from recloser.notify.errors import DeliveryError, NotConfigured, NotifyError, Postponed, Refused
from recloser.notify.heartbeat import check_heartbeat, heartbeat_due, heartbeat_facts
from recloser.notify.receivers import Receivers, receivers_of
from recloser.notify.sender import Drained, Sending, drain, drain_channel
from recloser.notify.trial import try_channel

__all__ = [
    "Announcement",
    "Clock",
    "DeliveryError",
    "Drained",
    "NotConfigured",
    "NotifyError",
    "Postponed",
    "Receivers",
    "Refused",
    "Sending",
    "WallClock",
    "announce",
    "check_heartbeat",
    "drain",
    "drain_channel",
    "heartbeat_due",
    "heartbeat_facts",
    "receivers_of",
    "try_channel",
]
