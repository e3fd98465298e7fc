"""Channels made of what a target declares and the secrets it names, and the files that stand in for them."""

import json
from pathlib import Path
from typing import Any

import pytest

from recloser.notify import receivers_of
from recloser.notify.channels.folder import Folder, FolderTracker
from recloser.notify.channels.github import GitHub
from recloser.notify.channels.mail import Mail
from recloser.notify.channels.pagerduty import PagerDuty
from recloser.notify.channels.slack import Slack
from recloser.target import System, TargetError, load_system
from recloser.values import DeliveryState
from tests.unit.notify.nights import Office, failure

ALL = """
[notify.channels.team]
kind = "slack"
channel = "C0123"
[notify.channels.readers]
kind = "email"
host = "mail.example"
sender = "a@example.org"
to = ["b@example.org"]
user_env = "MAIL_USER"
password_env = "MAIL_PASSWORD"
[notify.channels.pager]
kind = "pagerduty"
[issues]
repository = "example/grid"
"""
SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-secret-one",
    "MAIL_USER": "ann",
    "MAIL_PASSWORD": "secret-two",
    "PAGERDUTY_ROUTING_KEY": "secret-three",
    "GITHUB_TOKEN": "secret-four",
}


def read(folder: Path, text: str) -> System:
    """The system that this declares."""
    (folder / "recloser.toml").write_text(f'name = "demo"\n{text}')
    return load_system(folder)


def test_each_channel_is_made_with_its_secret(tmp_path: Path) -> None:
    """And what is kept of a notice knows them all."""
    receivers = receivers_of(read(tmp_path, ALL), SECRETS, tmp_path)
    kinds = {"team": Slack, "readers": Mail, "pager": PagerDuty, "issues": GitHub}
    assert {name: type(channel) for name, channel in receivers.channels.items()} == kinds
    assert receivers.tracker == "github:example/grid"
    for secret in ("xoxb-secret-one", "secret-two", "secret-three", "secret-four"):
        assert secret not in repr(receivers.channels)
        assert secret not in receivers.redact(f"it said {secret}.")


def test_what_lacks_its_secret_waits_and_says_so(tmp_path: Path) -> None:
    """The variable is named; issues are written to files meanwhile."""
    receivers = receivers_of(read(tmp_path, ALL), {}, tmp_path)
    assert set(receivers.channels) == {"issues"}
    assert receivers.missing["pager"] == (
        "notify.channels.pager needs the variable PAGERDUTY_ROUTING_KEY, which is not set"
    )
    assert receivers.tracker == "folder:issues"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[notify.channels.a]\nkind = "carrier-pigeon"', "notify.channels.a: Input tag 'carrier-pigeon'"),
        ('[notify.channels.a]\nkind = "slack"\nchannel = "#team"', "notify.channels.a.slack.channel"),
        ('[notify.channels.a]\nkind = "slack"\nchannel = "C01"\ntoken_env = "xoxb-1"', "slack.token_env"),
        ('[notify.channels.a]\nkind = "pagerduty"\nurl = "http://example.org"', "expected an https:// URL"),
        ('[issues]\nurl = "https://u:hunter2@example.org"', "must not hold a password"),
        ('[issues]\nrepository = "grid"', "issues.repository"),
        ("[alerts]\nfailure_rate = 10", "alerts.failure_rate: Input should be less than or equal to 1"),
        ('[alerts]\nexpected_by = "late"', "expected a time of day in UTC such as 07:00"),
        ('[alerts.severity]\nstorms = "critical"', "alerts.severity.storms"),
        (ALL.replace('password_env = "MAIL_PASSWORD"\n', ""), "both of `user_env` and `password_env`"),
    ],
)
def test_what_cannot_be_used_is_one_clear_message(text: str, said: str, tmp_path: Path) -> None:
    """It names the key and what was expected, and repeats no secret."""
    with pytest.raises(TargetError) as refused:
        read(tmp_path, text)
    assert said in str(refused.value)
    assert "hunter2" not in str(refused.value)


def in_files(office: Office, folder: Path, **tables: Any) -> Folder:
    """Have everything written to files."""
    office.target = System.model_validate({"name": "demo", "folder": folder, **tables})
    receivers = receivers_of(office.target, {}, folder)
    office.channels, office.tracker = receivers.channels, receivers.tracker
    channel = receivers.channels["folder"]
    assert isinstance(channel, Folder)
    return channel


def test_without_channels_everything_is_in_files(office: Office, tmp_path: Path) -> None:
    """A notice is two files, an issue is two that grow; the same again changes nothing."""
    channel = in_files(office, tmp_path)
    for night in range(2):
        office.night(night, failure("a", evidence=("E  assert 1 == 2",)))
    assert len(list(channel.folder.glob("*.md"))) == 2
    tracker = office.channels["issues"]
    assert isinstance(tracker, FolderTracker)
    (issue,) = tracker.folder.glob("*.json")
    kept = json.loads(issue.read_text())
    assert (kept["state"], len(kept["comments"])) == ("open", 1)
    assert "id: fp-a\n" in issue.with_suffix(".md").read_text()
    for night in range(2, 17):
        office.night(night)
    assert json.loads(issue.read_text())["state"] == "closed"


def test_a_folder_that_cannot_be_written_costs_nothing(office: Office, tmp_path: Path) -> None:
    """It is tried again later, as any other receiver."""
    channel = in_files(office, tmp_path, issues={"enabled": False})
    channel.folder.parent.mkdir(parents=True)
    channel.folder.touch()
    office.tell(0, failure("a"))
    assert office.send(limit_s=1).count(DeliveryState.PENDING) == 1
    channel.folder.unlink()
    office.clock.at = office.clock.at.replace(hour=6)
    assert office.send().count(DeliveryState.DELIVERED) == 1
