"""What a reader of Slack sees over the nights."""

from datetime import timedelta

import pytest

from recloser.values import DeliveryState
from tests.fakes.slack import CLOSED, INTERNAL, FakeSlack, not_ok
from tests.fakes.wire import Answer, Fault
from tests.unit.notify.nights import Office, failure

BUSY = Fault("answer", answer=Answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "3600"}))


def test_one_thread_follows_a_failure_from_its_first_night_to_its_end(office: Office, slack: FakeSlack) -> None:
    """First sight is a message, what lasts is a digest, and the end answers the first message."""
    for night, found in enumerate([(failure("a"),), (failure("a"),), ()]):
        office.night(night, *found)
    first, digest, end = slack.messages
    assert "1 new (warning)" in first["text"]
    assert "1 not over" in digest["text"]
    assert "1 over" in end["text"]
    assert end["thread_ts"] == first["ts"]
    assert "thread_ts" not in digest


def test_five_hundred_failures_at_once_are_one_message(office: Office, slack: FakeSlack) -> None:
    """A storm silences its members, and so it does the night after."""
    storm = [failure(f"t{number}") for number in range(500)]
    office.night(0, *storm)
    assert len(slack.messages) == 1
    assert "500 tests began to fail at once" in slack.texts[0]
    office.night(1, *storm)
    assert len(slack.messages) == 2
    assert "500 of 500 are left" in slack.texts[1]


@pytest.mark.parametrize("outage", [BUSY, INTERNAL, CLOSED, not_ok("service_unavailable")])
def test_a_week_without_slack_arrives_once_and_in_order(outage: Fault, office: Office, slack: FakeSlack) -> None:
    """Seven nights, each with a failure of its own; what came and went meanwhile is never heard of."""
    office.declare(alerts={"escalate_after_nights": 0})
    slack.down = outage
    for night in range(7):
        lasting = [failure(f"n{number}") for number in range(night + 1)]
        passing = [failure("passing")] if night == 3 else []
        office.night(night, *lasting, *passing)
    assert slack.messages == []
    slack.down = None
    office.clock.at += timedelta(hours=2)
    done = office.send()
    seen = "\n".join(slack.texts)
    names = [f"fp-n{number}" for number in range(7)]
    assert [seen.count(name) for name in names] == [1] * 7
    assert sorted(names, key=seen.index) == names
    assert "passing" not in seen
    assert done.count(DeliveryState.DELIVERED) == len(slack.messages) <= 7
    assert len(set(slack.keys)) == len(slack.keys)
