"""PagerDuty: one incident for each fingerprint, opened and closed by one key."""

from collections.abc import Iterator

import pytest

from recloser.notify.channels.pagerduty import PagerDuty
from recloser.values import DeliveryState, FindingKind
from tests.fakes.pagerduty import FakePagerDuty
from tests.fakes.wire import Answer, Fault
from tests.unit.notify.nights import Office, failure

DOWN = {"kind": FindingKind.SERVICE_DOWN, "title": "api is down"}


@pytest.fixture
def pager() -> Iterator[FakePagerDuty]:
    """PagerDuty on this machine."""
    with FakePagerDuty() as fake:
        yield fake


@pytest.fixture
def on_call(office: Office, pager: FakePagerDuty) -> Office:
    """A target whose critical alerts page somebody."""
    office.declare(notify={"channels": {"pager": {"kind": "pagerduty"}}})
    office.channels = {"pager": PagerDuty(pager.routing_key, url=pager.url, timeout_s=1)}
    return office


def test_one_key_opens_and_closes(on_call: Office, pager: FakePagerDuty) -> None:
    """It lasts three nights, and rings once."""
    for night in range(3):
        on_call.night(night, failure("api", **DOWN))
    on_call.night(3)
    assert [event["event_action"] for event in pager.events] == ["trigger", "resolve"]
    assert {event["dedup_key"] for event in pager.events} == {"fp-api"}
    assert pager.events[0]["payload"]["severity"] == "critical"
    assert pager.open == set()


def test_a_warning_pages_nobody_until_it_has_lasted(on_call: Office, pager: FakePagerDuty) -> None:
    """After five nights a warning is critical."""
    for night in range(7):
        on_call.night(night, failure("a"))
        assert pager.pages == ([] if night < 5 else ["fp-a"])


@pytest.mark.parametrize(
    "fault",
    [
        Fault("answer", answer=Answer(429, {"message": "throttled"}, {"Retry-After": "2"})),
        Fault("answer", answer=Answer(500, b"oops")),
        Fault("answer", before=False, answer=Answer(202, {"status": "success", "dedup_key": "another"})),
        Fault("answer", answer=Answer(200, b"<html>proxy</html>")),
        Fault("close"),
        Fault("close", before=False),
    ],
)
def test_a_fault_pages_nobody_twice(fault: Fault, on_call: Office, pager: FakePagerDuty) -> None:
    """What may have arrived is repeated by the same key, which rings no second time."""
    pager.faults.append(fault)
    drained = on_call.night(0, failure("api", **DOWN))
    assert drained.count(DeliveryState.DELIVERED) == 1
    assert pager.pages == ["fp-api"]


def test_a_wrong_key_is_dead_and_not_shown(on_call: Office, pager: FakePagerDuty) -> None:
    """What is refused for good says why, without the secret."""
    on_call.channels = {"pager": PagerDuty("wrong-routing-key", url=pager.url)}
    on_call.night(0, failure("api", **DOWN))
    (delivery,) = on_call.store.outbox.deliveries("demo")
    assert delivery.state is DeliveryState.DEAD
    assert "Invalid routing key" in delivery.error
    assert "wrong-routing-key" not in delivery.model_dump_json()


def test_one_that_is_over_before_it_was_sent_pages_nobody(on_call: Office, pager: FakePagerDuty) -> None:
    """The pair that was not sent cancels out."""
    on_call.tell(0, failure("api", **DOWN))
    on_call.night(1)
    assert pager.requests == []
    assert [one.state for one in on_call.store.outbox.deliveries("demo")] == [DeliveryState.CANCELLED]


def test_one_refused_incident_does_not_keep_the_others(on_call: Office, pager: FakePagerDuty) -> None:
    """Each fingerprint has an order of its own."""
    pager.faults.append(Fault("answer", answer=Answer(500, b"oops")))
    on_call.night(0, failure("api", **DOWN), failure("page", **DOWN))
    assert sorted(pager.pages) == ["fp-api", "fp-page"]
