"""A reader of one channel, over any nights and any faults: what he takes for so is so, and nothing came twice."""

import itertools
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from recloser.notify import Clock, Postponed, drain_channel
from recloser.store import Claim, Store
from recloser.target import System
from recloser.values import Change, Line, Receipt
from tests.unit.notify.nights import HandClock, Office, failure

BEGINS = {Change.NEW, Change.AGAIN}


class Killed(BaseException):
    """The sender's process ends here."""


@dataclass
class Reader:
    """A receiver that can be searched, as Slack can; `moods` are what it does to each attempt to come."""

    moods: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    believed: dict[str, bool] = field(default_factory=dict)
    place = "reader"
    secrets = ()

    def send(self, claim: Claim, clock: Clock) -> Receipt:
        mood = self.moods.pop(0) if self.moods else "ok"
        if mood in {"busy", "lost"}:
            raise Postponed(mood, uncertain=mood == "lost")
        if mood == "dies before":
            raise Killed
        if not (claim.delivery.uncertain and claim.delivery.key in self.keys):
            self._read(claim)
        if mood == "dies after":
            raise Killed
        if mood == "mute":
            raise Postponed(mood, uncertain=True)
        return Receipt(text="read", reference="1")

    def _read(self, claim: Claim) -> None:
        assert claim.delivery.key not in self.keys, "the same message came twice"
        self.keys.append(claim.delivery.key)
        for line in claim.delivery.notice.lines:
            self._take(line)

    def _take(self, line: Line) -> None:
        name = line.finding.fingerprint
        if line.change in BEGINS:
            assert not self.believed.get(name), f"{name} began twice"
        if line.change in {Change.RESOLVED, Change.STILL, Change.WORSE}:
            assert self.believed.get(name), f"{name} is {line.change}, and nobody had heard of it"
        if line.change is not Change.FLAPPING:
            self.believed[name] = line.change is not Change.RESOLVED


NUMBERS = itertools.count()
MOODS = st.lists(st.sampled_from(["ok", "busy", "lost", "mute", "dies before", "dies after"]), max_size=5)
NIGHT = st.tuples(st.frozensets(st.sampled_from("abc")), st.booleans(), MOODS)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """A store for all examples; each has a target of its own in it."""
    folder = tmp_path_factory.mktemp("reader")
    store = Store.open(f"sqlite:///{folder}/recloser.db")
    declared = {"name": "demo", "folder": folder, "issues": {"enabled": False}}
    return Office(store, System.model_validate(declared), {}, HandClock())


# Not shrunk: each step of that would be many nights again.
@settings(phases=[Phase.generate], max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(nights=st.lists(NIGHT, min_size=1, max_size=8), flap=st.sampled_from([3, 100]), escalate=st.sampled_from([0, 2]))
def test_a_reader_is_told_the_truth_once(
    nights: list[tuple[frozenset[str], bool, list[str]]], flap: int, escalate: int, shared: Office
) -> None:
    """Through busy, mute and lying receivers and senders that are killed; what could not be judged stays as it was."""
    office = replace(shared, clock=HandClock())
    office.declare(name=f"t{next(NUMBERS)}", alerts={"flap_changes": flap, "escalate_after_nights": escalate})
    reader, truth = Reader(), dict.fromkeys("abc", False)
    for night, (failing, is_judged, moods) in enumerate(nights):
        verified = frozenset({"suite/unit"} if is_judged else ())
        found = [failure(name) for name in sorted(failing)]
        office.tell(night, *found, target=office.target.name, verified=verified)
        truth |= {name: name in failing or (before and not is_judged) for name, before in truth.items()}
        reader.moods = list(moods)
        send(office, reader)
    reader.moods = []
    office.clock.at += timedelta(hours=12)
    send(office, reader)
    if flap > len(nights):  # what is held is not told
        assert {name for name, so in truth.items() if so} == {
            name.removeprefix("fp-") for name, so in reader.believed.items() if so
        }
    office.tell(len(nights) + 60, target=office.target.name)
    send(office, reader)
    assert not any(reader.believed.values())


def send(office: Office, reader: Reader) -> None:
    """Send until the time is up or the process dies; the next one finds the lease over."""
    try:
        drain_channel(office.store.outbox, office.target.name, "folder", reader, clock=office.clock, limit_s=60)
    except Killed:
        office.clock.at += timedelta(minutes=10)
