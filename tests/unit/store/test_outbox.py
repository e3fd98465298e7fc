"""The outbox as a state machine: whoever claims, fails, dies and comes back, nothing is lost, doubled or overtaken."""

import itertools
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from recloser.notify.lifecycle import advance
from recloser.store import Claim, Store, StoreError
from recloser.target import Alerts
from recloser.values import Delivery, DeliveryState, Link, Notice, Outgoing, Purpose, Receipt, Severity, Silence
from tests.unit.notify.nights import FIRST, facts, failure

LEASE = timedelta(minutes=3)
PLACE = "slack:C0123"


def outgoing(target: str, key: str, group: str) -> Outgoing:
    """A notice to be sent."""
    notice = Notice(target=target, purpose=Purpose.TEST, cycle_id="c", at=FIRST)
    return Outgoing(key=key, target=target, channel="team", group=group, thread=key, notice=notice)


class Post(RuleBasedStateMachine):
    """Two senders, three groups, one clock; what the receiver got is kept beside."""

    store: ClassVar[Store]
    targets: ClassVar[Iterator[int]] = itertools.count()
    claims = Bundle("claims")

    @initialize()
    def begin(self) -> None:
        """Each run has a target of its own in one store."""
        self.target = f"t{next(self.targets)}"
        self.now = FIRST
        self.written: dict[str, list[str]] = {}
        self.arrived: dict[str, list[str]] = {}
        self.held: dict[str, tuple[str, object]] = {}
        self.keys = itertools.count()

    @rule(group=st.sampled_from("abc"))
    def write(self, group: str) -> None:
        """A cycle has something to say."""
        key = f"{self.target}/{next(self.keys):03}"
        with self.store.outbox.desk() as desk:
            desk.enqueue(outgoing(self.target, key, group), self.now)
            desk.enqueue(outgoing(self.target, key, group), self.now)
        self.written.setdefault(group, []).append(key)

    @rule(target=claims, sender=st.sampled_from(["ann", "bob"]))
    def claim(self, sender: str) -> object:
        """A sender asks for work; what another holds is not given away."""
        claim = self.store.outbox.claim(self.target, "team", PLACE, sender=sender, now=self.now, lease=LEASE)
        if claim is None:
            return multiple()
        key, group = claim.delivery.key, claim.delivery.group
        holder = self.held.get(key)
        assert holder is None or holder[1] <= self.now  # type: ignore[operator]
        assert claim.delivery.uncertain >= (holder is not None)
        settled = self._keys(DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.CANCELLED)
        assert next(one for one in self.written[group] if one not in settled) == key
        self.held[key] = (sender, self.now + LEASE)
        return (claim, sender)

    @rule(given=consumes(claims), arrives=st.booleans())
    def answer(self, given: tuple[Claim, str], arrives: bool) -> None:  # noqa: FBT001
        """The receiver took it; the sender may be too late to write that down, and another has to find out."""
        claim, sender = given
        got = self.arrived.setdefault(claim.delivery.group, [])
        if claim.delivery.key not in got and (arrives or not claim.delivery.uncertain):
            got.append(claim.delivery.key)
        mine = self._is_mine(claim, sender)
        receipt = Receipt(text="ok", reference="1.0")
        assert self.store.outbox.deliver(claim, sender, receipt, PLACE, self.now) == mine
        if mine:
            del self.held[claim.delivery.key]
            if claim.delivery.key not in got:
                got.append(claim.delivery.key)

    @rule(given=consumes(claims), uncertain=st.booleans(), pause=st.integers(0, 600))
    def fail(self, given: tuple[Claim, str], uncertain: bool, pause: int) -> None:  # noqa: FBT001
        """It did not arrive, as far as is known."""
        claim, sender = given
        mine = self._is_mine(claim, sender)
        until = self.now + timedelta(seconds=pause)
        assert self.store.outbox.postpone(claim, sender, "later", until, uncertain=uncertain) == mine
        if mine:
            del self.held[claim.delivery.key]

    @rule(given=consumes(claims))
    def refuse(self, given: tuple[Claim, str]) -> None:
        """The receiver says no for good."""
        claim, sender = given
        if self.store.outbox.bury(claim, sender, "no", self.now):
            del self.held[claim.delivery.key]

    @rule(given=consumes(claims))
    def die(self, given: tuple[Claim, str]) -> None:
        """The sender is killed, and says nothing any more."""

    @rule(seconds=st.sampled_from([1, 60, 200, 900]))
    def wait(self, seconds: int) -> None:
        """Time passes; leases end."""
        self.now += timedelta(seconds=seconds)

    @rule(index=st.integers(0, 20))
    def withdraw(self, index: int) -> None:
        """A cycle takes back what nobody can have seen, and only that."""
        known = self._all()
        if index < len(known):
            one = known[index]
            with self.store.outbox.desk() as desk:
                desk.cancel(one.key, "over", self.now)
            after = {each.key: each for each in self._all()}[one.key]
            unseen = one.state is DeliveryState.PENDING and not one.uncertain
            assert (after.state is DeliveryState.CANCELLED) == (unseen or one.state is DeliveryState.CANCELLED)

    @invariant()
    def nothing_is_lost(self) -> None:
        """What was written is there, once, in some state."""
        assert sorted(one.key for one in self._all()) == sorted(itertools.chain(*self.written.values()))

    def teardown(self) -> None:
        """In the end everything that may arrive does, in the order of its group."""
        self.now += timedelta(days=2)
        while claim := self.store.outbox.claim(self.target, "team", PLACE, sender="end", now=self.now, lease=LEASE):
            assert self.store.outbox.deliver(claim, "end", Receipt(text="ok", reference="1"), PLACE, self.now)
        assert not self._keys(DeliveryState.PENDING, DeliveryState.SENDING)
        for group, got in self.arrived.items():
            assert got == [key for key in self.written[group] if key in got]

    def _is_mine(self, claim: Claim, sender: str) -> bool:
        holder = self.held.get(claim.delivery.key)
        return holder is not None and holder[0] == sender and claim.delivery.key in self._keys(DeliveryState.SENDING)

    def _all(self) -> tuple[Delivery, ...]:
        return self.store.outbox.deliveries(self.target)

    def _keys(self, *states: DeliveryState) -> set[str]:
        return {one.key for one in self.store.outbox.deliveries(self.target, states)}


def test_the_outbox_loses_doubles_and_overtakes_nothing() -> None:
    """Under any order of writing, claiming, failing, dying and waiting."""
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/recloser.db") as store:
        Post.store = store
        few = settings(max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
        run_state_machine_as_test(Post, settings=few)


class TestOnAnyDatabase:
    """What SQLite and PostgreSQL have to do alike."""

    def test_a_notice_is_claimed_in_order_and_settled_once(self, store: Store) -> None:
        """The first of a group holds up the second, until it is settled."""
        with store.outbox.desk() as desk:
            for key in ("1", "2"):
                desk.enqueue(outgoing("demo", key, ""), FIRST)
        first = store.outbox.claim("demo", "team", PLACE, sender="ann", now=FIRST, lease=LEASE)
        assert first is not None
        assert store.outbox.claim("demo", "team", PLACE, sender="bob", now=FIRST, lease=LEASE) is None
        assert store.outbox.next_due("demo", "team") == FIRST + LEASE
        later = FIRST + LEASE
        again = store.outbox.claim("demo", "team", PLACE, sender="bob", now=later, lease=LEASE)
        assert again is not None
        assert (again.delivery.key, again.delivery.uncertain, again.delivery.first_tried_at) == ("1", True, FIRST)
        assert not store.outbox.deliver(first, "ann", Receipt(text="late"), PLACE, later)
        assert store.outbox.deliver(again, "bob", Receipt(text="ok", reference="1.5"), PLACE, later)
        second = store.outbox.claim("demo", "team", PLACE, sender="ann", now=later, lease=LEASE)
        assert second is not None
        assert second.delivery.key == "2"
        with store.outbox.desk() as desk:
            (link,) = desk.links(PLACE)
        assert (link.name, link.reference, link.open) == ("1", "1.5", True)

    def test_an_open_issue_can_be_reserved_once(self, store: Store) -> None:
        """The database itself refuses a second one of the same fingerprint."""
        link = Link(place="github:o/r", name="fp", opened_at=FIRST, touched_at=FIRST)
        with store.outbox.desk() as desk:
            desk.reserve(link)
        with pytest.raises(StoreError, match="(?i)unique"), store.outbox.desk() as desk:
            desk.reserve(link)
        with store.outbox.desk() as desk:
            desk.drop(link, FIRST)
            desk.reserve(link)
            assert [one.open for one in desk.links("github:o/r", ["fp"])] == [False, True]

    def test_alerts_and_silences_are_read_back(self, store: Store) -> None:
        """As they were written, the newest word in place of the older one."""
        alert = advance(None, failure("a", severity=Severity.INFO), facts(0, failure("a")), Alerts())
        with store.outbox.desk() as desk:
            desk.keep_alerts([alert])
            desk.keep_alerts([over := alert.model_copy(update={"firing": False})])
            assert desk.alerts("demo", []) == {}
            assert desk.alerts("demo", ["fp-a", "fp-b"]) == {"fp-a": over}
        silence = Silence(fingerprint="fp-a", until=FIRST + LEASE, why="x", who="ann", at=FIRST)
        store.outbox.silence(silence)
        assert store.outbox.silences(FIRST) == (silence,)
        assert store.outbox.silences(FIRST + LEASE) == ()
        assert store.outbox.forget(FIRST + timedelta(days=1)) == 2
