"""What a reader of Slack sees over the nights."""

from datetime import timedelta

import pytest

from recloser.notify import announce
from recloser.redaction import Redactor
from recloser.values import DeliveryState, FindingKind, Silence
from tests.fakes.slack import CLOSED, INTERNAL, FakeSlack, not_ok
from tests.fakes.wire import Answer, Fault
from tests.unit.notify.nights import FIRST, Office, facts, failure

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


def said(slack: FakeSlack) -> list[str]:
    """The headline of each message, without the target's name."""
    return [str(message["blocks"][0]["text"]["text"]).removeprefix("demo: ") for message in slack.messages]


def test_the_same_night_twice_is_told_once(office: Office, slack: FakeSlack) -> None:
    """A cycle that is resumed after its verdict announces nothing again."""
    office.night(0, failure("a"))
    office.night(0, failure("a"))
    office.night(1, failure("a"))
    office.night(1, failure("a"))
    assert said(slack) == ["1 new (warning)", "1 not over (warning)"]


def test_what_was_not_judged_is_not_over(office: Office, slack: FakeSlack) -> None:
    """A suite that did not run says nothing about its failures."""
    office.night(0, failure("a"))
    office.night(1, verified=frozenset({"suite/e2e"}))
    assert said(slack) == ["1 new (warning)"]
    office.night(2)
    assert said(slack)[1:] == ["1 over (warning)"]


def test_groups_are_by_severity_and_owner(office: Office, slack: FakeSlack) -> None:
    """Two of one owner share a message; the worst is no part of it."""
    down = failure("api", kind=FindingKind.SERVICE_DOWN, owner="ops")
    office.night(0, failure("a", owner="ann"), failure("b", owner="ann"), failure("c", owner="bob"), down)
    assert sorted(said(slack)) == ["1 new (critical)", "1 new (warning)", "2 new (warning)"]


def test_what_lasts_becomes_worse_once(office: Office, slack: FakeSlack) -> None:
    """After five nights it is told again, louder, in its thread and in the channel."""
    for night in range(8):
        office.night(night, failure("a"))
    assert said(slack).count("1 worse (critical)") == 1
    worse = slack.messages[said(slack).index("1 worse (critical)")]
    assert (worse["thread_ts"], worse["reply_broadcast"]) == (slack.messages[0]["ts"], True)


def test_what_comes_back_answers_its_old_thread(office: Office, slack: FakeSlack) -> None:
    """One thread for a fingerprint, across its lives."""
    for night, found in enumerate([(failure("a"),), (), (failure("a"),)]):
        office.night(night, *found)
    assert said(slack) == ["1 new (warning)", "1 over (warning)", "1 back again (warning)"]
    assert slack.messages[2]["thread_ts"] == slack.messages[0]["ts"]
    assert slack.messages[2]["reply_broadcast"] is True


def test_what_flaps_is_held_until_it_is_calm(office: Office, slack: FakeSlack) -> None:
    """The fourth change says so once; then nothing until it has not changed for long enough."""
    for night in range(12):
        office.night(night, *([failure("a")] if night % 2 == 0 else []))
    assert said(slack) == ["1 new (warning)", "1 over (warning)", "1 back again (warning)", "1 flapping (warning)"]
    for night in range(12, 30):
        office.night(night)
    assert said(slack)[4:] == ["1 over (warning)"] * (said(slack)[4:] != [])
    (alert,) = office.tell(30, failure("a")).alerts
    assert not alert.held


def test_silence_is_kept_until_it_ends(office: Office, slack: FakeSlack) -> None:
    """A silenced finding is told when the silence is over, if it is still there."""
    until = FIRST + timedelta(days=2)
    office.store.outbox.silence(Silence(fingerprint="fp-a", until=until, why="known", who="ann", at=FIRST))
    for night in range(4):
        office.night(night, failure("a"))
        assert len(slack.messages) == max(0, night - 1)
    assert said(slack)[0] == "1 new (warning)"


def test_a_finding_that_another_explains_is_not_told(office: Office, slack: FakeSlack) -> None:
    """While the service is down, the suites that need it are not news; afterwards they are."""
    down = failure("api", kind=FindingKind.SERVICE_DOWN, scope="service/api")
    suite = failure("e2e", kind=FindingKind.NOT_VERIFIED, cause="fp-api", scope="suite/e2e")
    office.night(0, down, suite)
    assert said(slack) == ["1 new (critical)"]
    office.night(1, suite, verified=frozenset({"service/api"}))
    assert sorted(said(slack)[1:]) == ["1 new (warning)", "1 over (critical)"]


@pytest.mark.parametrize(
    ("failed", "fresh", "told"),
    [
        (10, 0, []),
        (11, 0, ["11% of the tests failed"]),
        (9, 9, ["test_t0", "test_t1"]),
        (10, 10, ["10 of 100 tests began to fail"]),
        (30, 21, ["21 tests began to fail at once"]),
    ],
)
def test_the_rules_over_all_tests(failed: int, fresh: int, told: list[str], office: Office, slack: FakeSlack) -> None:
    """More than a tenth failed; a tenth is new; more than twenty at once: each is one message."""
    office.night(0, *(failure(f"t{number}") for number in range(fresh)), failed=failed, judged=100)
    assert len(slack.messages) == bool(told)
    for text in told:
        assert text in slack.texts[0]


def test_causes_that_read_alike_are_counted(office: Office, slack: FakeSlack) -> None:
    """Twenty-one lines that say the same would say nothing else."""
    one, other = ("1 commit", "4f2a by ada: faster"), ("1 commit", "4f2a by ada: faster (touches a.py)")
    found = [failure(f"t{number}", title="AssertionError", suspects=other if number else one) for number in range(21)]
    office.night(0, *found)
    assert "AssertionError (21 causes)" in slack.texts[0]
    assert slack.texts[0].count("AssertionError") == 1
    assert slack.texts[0].count("4f2a") == 1


def test_one_cause_of_many_tests_is_many(office: Office, slack: FakeSlack) -> None:
    """What counts towards a tenth is tests, not causes."""
    office.night(0, failure("a", tests=12), judged=100, failed=12)
    assert len(slack.messages) == 1
    assert "12 of 100 tests began to fail" in slack.texts[0]


def test_unconfirmed_failures_are_not_many(office: Office, slack: FakeSlack) -> None:
    """A failure that no rerun confirmed is told, and does not count towards a tenth."""
    office.night(0, *(failure(f"t{number}", confirmed=False) for number in range(15)), judged=100)
    assert "began to fail" not in slack.texts[0]
    assert "15% of the tests failed" in slack.texts[0]


def test_kinds_may_be_worth_more_less_or_nothing(office: Office, slack: FakeSlack) -> None:
    """The target decides; what it wants to hear nothing of is not told."""
    office.declare(alerts={"severity": {"performance": "critical", "flaky": "off"}})
    office.night(0, failure("slow", kind="performance"), failure("flaky", kind="flaky"))
    assert said(slack) == ["1 new (critical)"]


def test_ten_clean_nights_are_silent(office: Office, slack: FakeSlack) -> None:
    """Nothing is sent to say that there is nothing to say."""
    for night in range(10):
        office.night(night)
    assert slack.requests == []


def test_a_verdict_and_its_notices_are_kept_together_or_not_at_all(office: Office) -> None:
    """What dies between the two leaves neither behind."""

    def die() -> None:
        with office.store.outbox.desk() as desk:
            announce(desk, facts(0, failure("a")), office.target, Redactor(()), tracker=office.tracker)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die()
    assert office.store.outbox.deliveries("demo") == ()
