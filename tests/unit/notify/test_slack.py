"""Slack that misbehaves: what is sent arrives once, whatever it answers."""

import json

import pytest

from recloser.notify.channels.blocks import SECTION_LIMIT, escape
from recloser.notify.channels.slack import Slack
from recloser.values import DeliveryState
from tests.fakes.slack import CLOSED, CLOSED_AFTER, HANGS_AFTER, INTERNAL, RATE_LIMITED, FakeSlack, not_ok
from tests.fakes.wire import Answer, Fault
from tests.unit.notify.nights import Office, failure

HTML = Fault("answer", before=False, answer=Answer(200, b"<html>Welcome to the proxy</html>"))


@pytest.mark.parametrize(
    "fault", [RATE_LIMITED, INTERNAL, CLOSED, CLOSED_AFTER, HANGS_AFTER, HTML, not_ok("fatal_error")]
)
def test_a_fault_costs_a_retry_and_no_message(fault: Fault, office: Office, slack: FakeSlack) -> None:
    """Whether Slack had taken the message before it misbehaved or not, a reader sees it once."""
    slack.faults.append(fault)
    drained = office.night(0, failure("a"))
    assert drained.count(DeliveryState.DELIVERED) == len(slack.messages) == 1
    assert drained.count(DeliveryState.PENDING) == 1
    assert drained.waiting == {}
    (delivery,) = office.store.outbox.deliveries("demo")
    assert delivery.receipt.startswith(f"ts {slack.messages[0]['ts']}")


def test_retry_after_is_waited_for(office: Office, slack: FakeSlack) -> None:
    """Slack said two seconds, so nothing is sent before."""
    slack.faults.append(RATE_LIMITED)
    office.night(0, failure("a"))
    assert 2 <= office.clock.slept[0] <= 3


@pytest.mark.parametrize("error", ["channel_not_found", "invalid_auth", "msg_too_long"])
def test_what_slack_refuses_is_dead_and_shown(error: str, office: Office, slack: FakeSlack) -> None:
    """It is not tried again until somebody says so, and then it arrives."""
    slack.faults.append(not_ok(error))
    assert office.night(0, failure("a")).count(DeliveryState.DEAD) == 1
    (delivery,) = office.store.outbox.deliveries("demo", (DeliveryState.DEAD,))
    assert delivery.error == f"Slack says {error}"
    assert office.send().count(DeliveryState.DELIVERED) == 0
    assert office.store.outbox.revive("demo", office.clock.now()) == 1
    assert office.send().count(DeliveryState.DELIVERED) == 1


def test_a_bot_that_may_not_read_sends_again(office: Office, slack: FakeSlack) -> None:
    """Without the scope to search the channel, a message is rather there twice than never."""
    slack.may_read = False
    slack.faults.append(CLOSED_AFTER)
    office.night(0, failure("a"))
    assert slack.keys == [slack.keys[0]] * 2


def test_a_deleted_thread_is_begun_anew(office: Office, slack: FakeSlack) -> None:
    """Where the first message is gone, the end is told in the channel."""
    office.night(0, failure("a"))
    slack.faults.append(not_ok("thread_not_found"))
    office.night(1)
    assert "1 over" in slack.messages[-1]["text"]
    assert "thread_ts" not in slack.messages[-1]


def test_hostile_text_mentions_nobody(office: Office, slack: FakeSlack) -> None:
    """What a log line says is shown, and neither notifies, nor links, nor breaks out of its block."""
    hostile = "<!channel> <@U1> & ```<https://evil.example|click>```"
    office.night(0, failure("a", title=hostile, text=hostile, evidence=(hostile,), owner="<!here>"))
    (message,) = slack.messages
    said = json.dumps([message["text"], message["blocks"]])
    assert "<!" not in said
    assert "<@" not in said
    assert "<http" not in said
    assert "&lt;!channel&gt;" in said
    section = message["blocks"][1]["text"]
    assert section["verbatim"] is True
    assert section["text"].count("```") == 2


def test_a_notice_keeps_to_the_limits(office: Office, slack: FakeSlack) -> None:
    """Three hundred long lines are one message that Slack takes, and what does not fit is counted."""
    many = [failure(f"t{number}", kind="performance", title="&" * 200, text="<" * 900) for number in range(300)]
    assert office.night(0, *many, failed=0).count(DeliveryState.DELIVERED) == 1
    (message,) = slack.messages
    shown = slack.texts[0].count("id: fp-")
    assert f"and {300 - shown} more" in slack.texts[0]
    assert shown >= 90
    assert max(len(block["text"]["text"]) for block in message["blocks"]) <= SECTION_LIMIT


def test_no_secret_is_kept(office: Office, slack: FakeSlack, team: Slack) -> None:
    """The token is in no row and no error, even where Slack repeats it."""
    slack.faults.append(not_ok(f"bad token {slack.token}"))
    office.night(0, failure("a", text=f"leaked {slack.token}"))
    (delivery,) = office.store.outbox.deliveries("demo")
    assert slack.token not in delivery.model_dump_json()
    assert slack.token not in repr(team)


def test_escaping_is_what_slack_asks_for() -> None:
    """Three characters, each once."""
    assert escape("a < b && c > d &lt;") == "a &lt; b &amp;&amp; c &gt; d &amp;lt;"


def test_a_dead_slack_costs_its_time_limit_and_nothing_else(office: Office, slack: FakeSlack) -> None:
    """A receiver that never answers is left behind; what it did not take waits for the next run."""
    slack.down = Fault("hang")
    office.tell(0, failure("a"))
    drained = office.send(limit_s=0.2)
    assert drained.stuck == ("team",)
    assert drained.waiting == {"team": 1}
    (delivery,) = office.store.outbox.deliveries("demo")
    assert delivery.state is DeliveryState.SENDING
