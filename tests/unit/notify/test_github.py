"""Issues on a GitHub that lags, limits and hangs up: one for each fingerprint, whatever happens."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from recloser.notify.channels.github import GitHub
from recloser.values import DeliveryState, FindingKind
from tests.fakes.github import HTML_AT_200, SECONDARY_LIMIT, FakeGitHub
from tests.fakes.wire import Answer, Fault
from tests.unit.notify.nights import FIRST, Office, failure

HOSTILE = "@everyone fixes #1, GH-2 and https://github.com/o/r/issues/3 ```` </details> <img src=x>"


@pytest.fixture
def github(office: Office) -> Iterator[FakeGitHub]:
    """GitHub on this machine, and a target whose issues go there."""
    with FakeGitHub(office.clock.now) as fake:
        tracker = GitHub(fake.repository, fake.token, url=fake.url, labels=("nightly",), timeout_s=1)
        office.declare(issues={"repository": fake.repository}, notify={"channels": {"disk": {"kind": "folder"}}})
        office.channels, office.tracker = {"issues": tracker}, tracker.place
        yield fake


def test_one_issue_from_the_first_night_to_the_fourteenth_green_one(office: Office, github: FakeGitHub) -> None:
    """Opened once, commented on each further night, closed when it was green for fourteen days."""
    for night in range(3):
        office.night(night, failure("a"))
    for night in range(3, 17):
        office.night(night)
    (issue,) = github.issues
    assert issue["state"] == "open"
    office.night(17)
    assert issue["state"] == "closed"
    assert issue["labels"] == ["nightly"]
    assert "\nid: fp-a\n" in f"\n{issue['body']}\n"
    said = [comment["body"].splitlines()[0] for comment in github.comments[1]]
    assert said == ["seen in: 20261103-030000", "seen in: 20261104-030000", "green in: 20261119-030000"]


def test_two_cycles_of_a_day_are_one_comment(office: Office, github: FakeGitHub) -> None:
    """An issue is commented on once a day at most."""
    for night in (0, 1, 1.2, 1.4, 2):
        office.night(night, failure("a"))
    assert len(github.comments[1]) == 2


@pytest.mark.parametrize(
    "fault",
    [
        SECONDARY_LIMIT,
        HTML_AT_200,
        Fault("answer", answer=Answer(502, b"<html>Unicorn!</html>")),
        Fault("answer", before=False, answer=Answer(502, b"<html>Unicorn!</html>")),
        Fault("answer", answer=Answer(429, {"message": "slow down"}, {"Retry-After": "2"})),
        Fault("close"),
        Fault("close", before=False),
    ],
)
@pytest.mark.parametrize("spoilt", range(3))
def test_a_fault_opens_nothing_twice(spoilt: int, fault: Fault, office: Office, github: FakeGitHub) -> None:
    """Whichever request is spoilt, and though the search has not found the issue yet."""
    github.lag = 100
    github.faults.extend([None] * spoilt)
    github.faults.append(fault)
    office.night(0, failure("a"))
    office.night(1, failure("a"))
    assert len(github.issues) == 1
    assert len(github.comments[1]) == 1
    assert {one.state for one in office.store.outbox.deliveries("demo") if one.channel == "issues"} == {
        DeliveryState.DELIVERED
    }


def test_an_issue_of_somebody_else_is_found_on_any_page(office: Office, github: FakeGitHub) -> None:
    """By its line, and only by the whole line."""
    for number in range(130):
        github.plant(f"id: fp-a{number}\nsays much of fp-a")
    mine = github.plant("Seen before\n  id: fp-a  \nthanks")
    office.night(0, failure("a"))
    assert len(github.issues) == 131
    assert len(github.comments[mine]) == 1


@pytest.mark.parametrize(("days", "state", "issues"), [(9, "open", 1), (11, "closed", 2)])
def test_a_closed_one_is_reopened_for_ten_days(
    days: int, state: str, issues: int, office: Office, github: FakeGitHub
) -> None:
    """Later there is a new one, which names the old one."""
    github.plant("id: fp-a", state="closed", closed_at=FIRST - timedelta(days=days))
    office.night(0, failure("a"))
    assert github.issues[0]["state"] == state
    assert len(github.issues) == issues
    assert ("It was #1 before." in github.issues[-1]["body"]) == (issues == 2)


def test_one_that_was_closed_after_the_failure_stays_closed(office: Office, github: FakeGitHub) -> None:
    """Somebody knew before the news arrived."""
    github.plant("id: fp-a", state="closed", closed_at=FIRST + timedelta(minutes=1))
    office.tell(0, failure("a"))
    office.clock.at += timedelta(minutes=2)
    office.send()
    assert (github.issues[0]["state"], github.comments[1]) == ("closed", [])
    office.night(1, failure("a"))
    assert github.issues[0]["state"] == "open"


def test_one_that_was_deleted_is_opened_again(office: Office, github: FakeGitHub) -> None:
    """What the store remembers is gone, and the failure is not."""
    office.night(0, failure("a"))
    github.issues.clear()
    office.night(1, failure("a"))
    assert [issue["body"].splitlines()[1] for issue in github.issues] == ["seen in: 20261103-030000"]


def test_three_a_night_and_the_rest_later(office: Office, github: FakeGitHub) -> None:
    """The most urgent first, a second apart."""
    found = [failure(f"t{number}") for number in range(6)] + [failure("down", kind=FindingKind.SERVICE_DOWN)]
    assert office.tell(0, *found).without_issue == 4
    office.send()
    assert len(github.issues) == 3
    assert any("id: fp-down" in issue["body"] for issue in github.issues)
    assert sum(office.clock.slept) >= 2
    for night in (1, 2):
        office.night(night, *found)
    assert len(github.issues) == 7


def test_five_hundred_failures_at_once_are_one_umbrella(office: Office, github: FakeGitHub) -> None:
    """It names some of its members and counts the rest; none gets an issue of its own while it lasts."""
    storm = [failure(f"t{number}") for number in range(500)]
    for night in range(3):
        office.night(night, *storm)
    (issue,) = github.issues
    assert "500 tests began to fail at once" in issue["title"]
    assert "and 490 more" in issue["body"]


def test_one_that_came_and_went_during_an_outage_is_never_opened(office: Office, github: FakeGitHub) -> None:
    """The news of its end overtakes that of its beginning, since nobody had heard it; it may come back."""
    office.tell(0, failure("a"))
    office.night(1)
    assert github.issues == []
    office.night(2, failure("a"))
    assert len(github.issues) == 1


def test_hostile_text_stands_in_a_fence(office: Office, github: FakeGitHub) -> None:
    """It mentions nobody, closes nothing, links nothing and ends no block."""
    texts = {"title": HOSTILE, "text": HOSTILE, "reproduce": HOSTILE, "environment": HOSTILE, "owner": HOSTILE}
    office.night(0, failure("a", **texts, evidence=(HOSTILE, "`````"), suspects=(HOSTILE,), since=HOSTILE))
    (issue,) = github.issues
    outside = re.sub(r"^(`{3,})\w*\n.*?\n\1$", "", issue["body"], flags=re.DOTALL | re.MULTILINE)
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    assert "everyone" in issue["body"]
    for said in ("@everyone", "#1", "https:", "<img"):
        assert said not in outside
    for said in ("@everyone", "#1", "GH-2", "https://"):
        assert said not in issue["title"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(401, {"message": "Bad credentials"}), "401: Bad credentials"),
        (Answer(403, {"message": "Resource not accessible by integration"}), "403: Resource not"),
        (Answer(301, {"message": "Moved Permanently"}, {"Location": "https://api.github.com/repositories/1"}), "moved"),
        (Answer(422, {"message": "Validation Failed"}), "422"),
    ],
)
def test_what_github_refuses_is_dead_and_shown(answer: Answer, said: str, office: Office, github: FakeGitHub) -> None:
    """It says why, and not with which token."""
    github.down = Fault("answer", answer=answer)
    office.night(0, failure("a"))
    (delivery,) = office.store.outbox.deliveries("demo", (DeliveryState.DEAD,))
    assert said in delivery.error
    assert github.token not in delivery.model_dump_json()


def test_a_spent_rate_limit_is_waited_for(office: Office, github: FakeGitHub) -> None:
    """Until the moment GitHub names, by every notice for it."""
    reset = int((FIRST + timedelta(minutes=40)).timestamp())
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    github.faults.append(Fault("answer", answer=Answer(403, {"message": "API rate limit exceeded"}, spent)))
    office.night(0, failure("a"), failure("b"))
    assert len(github.requests) == 1
    office.clock.at = FIRST + timedelta(minutes=39)
    office.send()
    assert len(github.requests) == 1
    office.clock.at = FIRST + timedelta(minutes=41)
    office.send()
    assert len(github.issues) == 2
