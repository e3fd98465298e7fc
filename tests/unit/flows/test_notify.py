"""`recloser notify`, as a person types it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from flows.cli import assemble
from flows.commands.notify import parse_duration
from recloser.errors import RecloserError
from recloser.notify import announce
from recloser.redaction import Redactor
from recloser.store import Store
from recloser.target import load_system
from tests.fakes.slack import FakeSlack, not_ok
from tests.unit.notify.nights import facts, failure


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """Slack on this machine."""
    with FakeSlack() as fake:
        yield fake


@pytest.fixture
def target(tmp_path: Path, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A target that tells Slack."""
    (tmp_path / "recloser.toml").write_text(
        'name = "demo"\n[notify.channels.team]\nkind = "slack"\n'
        f'channel = "{slack.channel}"\nurl = "{slack.url}"\n[notify.channels.disk]\nkind = "folder"\n'
    )
    monkeypatch.setenv("RECLOSER_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("SLACK_BOT_TOKEN", slack.token)
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    return tmp_path


def run(*arguments: str | Path) -> Result:
    """One command."""
    return CliRunner().invoke(assemble("notify"), ["notify", *map(str, arguments)])


def test_each_channel_is_tried(target: Path, slack: FakeSlack) -> None:
    """The answer of each is shown; nothing goes through the outbox."""
    done = run("test", target)
    assert done.exit_code == 0
    assert [line.split()[:2] for line in done.output.splitlines()] == [["disk", "ok"], ["issues", "ok"], ["team", "ok"]]
    assert slack.messages[0]["text"] == "demo: a test of this channel"
    assert "waiting: nothing" in run("status", target).output


def test_one_channel_is_tried_and_its_failure_told(target: Path, slack: FakeSlack) -> None:
    """In one line, with exit code 1 and without the token."""
    slack.faults.append(not_ok("invalid_auth"))
    done = run("test", "--channel", "team", target)
    assert (done.exit_code, done.output.split()) == (1, ["team", "FAILED", "Slack", "says", "invalid_auth"])
    assert run("test", "--channel", "nobody", target).exit_code == 2


def test_a_missing_secret_is_named(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the variable's name that helps."""
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    done = run("test", target)
    assert done.exit_code == 1
    assert "needs the variable SLACK_BOT_TOKEN, which is not set" in done.output


def test_what_waits_is_shown_sent_and_shown_again(target: Path, slack: FakeSlack) -> None:
    """From announced to refused, from revived to delivered."""
    with Store.open(f"sqlite:///{target}/state/recloser.db") as store, store.outbox.desk() as desk:
        announce(desk, facts(0, failure("a")), load_system(target), Redactor(()), tracker="folder:issues")
    assert "waiting: 3" in run("status").output
    slack.faults.append(not_ok("channel_not_found"))
    done = run("send", target)
    assert done.exit_code == 1
    assert "team: 1 dead" in done.output
    assert "test_a fails  [Slack says channel_not_found]" in run("status", target).output
    done = run("send", "--dead", target)
    assert (done.exit_code, done.output) == (0, "team: 1 delivered\nnothing is waiting\n")
    assert "refused for good: nothing\ndelivered last: 3" in run("status", target).output
    assert run("prune", "--older-than", "1").output == "0 forgotten\n"


def test_a_night_that_left_nothing_is_told_once(target: Path, slack: FakeSlack) -> None:
    """However often it is asked; a target that expects nothing says what to declare."""
    assert isinstance(run("heartbeat", target).exception, RecloserError)
    with (target / "recloser.toml").open("a") as file:
        file.write('[alerts]\nexpected_by = "00:00"\n')
    for _ in range(2):
        done = run("heartbeat", target)
        assert done.exit_code == 1
        assert "The night left no result: expected by" in done.output
    assert len(slack.messages) == 1


def test_silence_is_asked_for_listed_and_ended(target: Path) -> None:
    """With who and why; zero days end it."""
    assert run("silence", "fp-a", "--for", "7d", "--why", "known", "--who", "ann").exit_code == 0
    assert "ann: known" in run("silences").output
    assert run("silence", "fp-a", "--for", "0d", "--why", "fixed").exit_code == 0
    assert run("silences").output == "none\n"


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "1.5d", "400d", "99999w", "7 d"])
def test_what_is_no_time_span_is_refused(text: str, target: Path) -> None:
    """With an example of one."""
    done = run("silence", "fp-a", f"--for={text}", "--why", "x")
    assert done.exit_code == 2
    assert "12h" in done.output
    assert parse_duration("2w").days == 14
