"""The notices nobody can have seen yet, while a cycle is planned: they take up, and let go of, single lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from recloser.values import Change, Notice, Outgoing, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recloser.values import CycleFacts, Delivery, Line

SUPERSEDED = "superseded before it was sent"
OVER = "over before it was sent"


@dataclass
class Mailbag:
    """What one cycle does to the outbox of one channel."""

    channel: str
    facts: CycleFacts
    waiting: dict[str, Outgoing]
    """By key, in order: what was written earlier and cannot have been seen, and what this cycle adds."""
    under_way: frozenset[str] = frozenset()
    """Fingerprints in notices that may have been seen and are not known to have arrived."""
    added: set[str] = field(default_factory=set)
    rewritten: set[str] = field(default_factory=set)
    cancelled: dict[str, str] = field(default_factory=dict)
    """Key → why."""

    @classmethod
    def of(cls, channel: str, facts: CycleFacts, unsent: Iterable[Delivery], under_way: Iterable[Delivery]) -> Mailbag:
        """The bag of a channel.

        Args:
            channel: Its name.
            facts: The cycle that is planned.
            unsent: What nobody can have seen, of all channels, in order.
            under_way: What somebody may have seen, of all channels.
        """
        mine: dict[str, Outgoing] = {one.key: one for one in unsent if one.channel == channel}
        others = (line for one in under_way if one.channel == channel for line in one.notice.lines)
        return cls(channel, facts, mine, frozenset(line.finding.fingerprint for line in others))

    def will_tell(self, fingerprint: str) -> bool:
        """Whether a notice about it, other than a digest, is still on its way."""
        return fingerprint in self.under_way or any(
            line.finding.fingerprint == fingerprint
            for one in self.waiting.values()
            if one.notice.purpose is not Purpose.DIGEST
            for line in one.notice.lines
        )

    def withdraw(self, fingerprint: str) -> dict[Change, Line]:
        """Take everything about a fingerprint out of what is not sent yet, and give it back by what it said."""
        taken: dict[Change, Line] = {}
        for key, outgoing in list(self.waiting.items()):
            mine = [line for line in outgoing.notice.lines if line.finding.fingerprint == fingerprint]
            if mine:
                taken |= {line.change: line for line in mine}
                self._say(key, tuple(line for line in outgoing.notice.lines if line not in mine))
        return taken

    def supersede_digests(self) -> None:
        """A newer digest says all that an older one said."""
        for key, outgoing in list(self.waiting.items()):
            if outgoing.notice.purpose is Purpose.DIGEST:
                self._cancel(key, SUPERSEDED)

    def add(self, line: Line, purpose: Purpose, *, group: str, owner: str = "", thread: str = "") -> str:
        """Put a line into the notice of its kind, which is made where none is waiting.

        Args:
            line: What to say.
            purpose: In which kind of notice.
            group: Whose order it keeps.
            owner: Notices of different owners are apart.
            thread: Key of the message it answers; empty where it begins a thread.

        Returns:
            The key of the thread it is in.
        """
        urgency = "" if purpose in {Purpose.DIGEST, Purpose.RESOLVED} else line.severity
        slot = f"{purpose}:{urgency}:{owner}:{group}:{thread}"
        waiting = next((one for one in self.waiting.values() if one.slot == slot), None)
        if waiting is not None:
            self._say(waiting.key, (*waiting.notice.lines, line))
            return waiting.thread
        digest = sha256(slot.encode()).hexdigest()[:12]
        key = f"{self.facts.target}/{self.facts.cycle_id}/{self.channel}/{purpose}/{digest}"
        notice = Notice(
            target=self.facts.target,
            purpose=purpose,
            severity=line.severity,
            owner=owner,
            cycle_id=self.facts.cycle_id,
            at=self.facts.at,
            lines=(line,),
            report=self.facts.report,
        )
        self.added.add(key)
        self.waiting[key] = Outgoing(
            key=key,
            target=self.facts.target,
            channel=self.channel,
            group=group,
            slot=slot,
            thread=thread or key,
            notice=notice,
        )
        return thread or key

    def _say(self, key: str, lines: tuple[Line, ...]) -> None:
        if not lines:
            self._cancel(key, OVER)
            return
        outgoing = self.waiting[key]
        news: dict[str, object] = {
            "lines": lines,
            "severity": max((line.severity for line in lines), key=lambda one: one.rank),
        }
        if key not in self.added:
            news |= {"cycle_id": self.facts.cycle_id, "at": self.facts.at, "report": self.facts.report}
            self.rewritten.add(key)
        self.waiting[key] = outgoing.model_copy(update={"notice": outgoing.notice.model_copy(update=news)})

    def _cancel(self, key: str, why: str) -> None:
        del self.waiting[key]
        self.rewritten.discard(key)
        if key in self.added:
            self.added.discard(key)
        else:
            self.cancelled[key] = why
