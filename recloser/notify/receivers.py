"""The ways to a target's receivers, made of what it declares and the secrets that it names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recloser.notify.channels.folder import Folder, FolderTracker
from recloser.notify.channels.github import GitHub
from recloser.notify.channels.mail import Mail
from recloser.notify.channels.pagerduty import PagerDuty
from recloser.notify.channels.slack import Slack
from recloser.notify.errors import NotConfigured
from recloser.notify.issues import CHANNEL
from recloser.redaction import Redactor
from recloser.target import ChannelTable, FolderChannel, MailChannel, PagerChannel, SlackChannel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recloser.notify.sender import Sending
    from recloser.target import System


@dataclass(frozen=True)
class Receivers:
    """What a target's notices can be sent over at the moment."""

    channels: dict[str, Sending]
    """By name, the tracker of issues among them."""
    missing: dict[str, str]
    """Channels that lack a secret, and what to do; their notices wait."""
    tracker: str
    """Where issues are kept."""
    redact: Redactor
    """Knows the secrets of all channels."""


def receivers_of(system: System, environment: Mapping[str, str], home: Path) -> Receivers:
    """Find the secrets a target names, and make its channels.

    Args:
        system: The target.
        environment: Where the named variables are.
        home: Folder under which dry runs are written.
    """
    folder = home / "notices" / system.name
    channels: dict[str, Sending] = {}
    missing: dict[str, str] = {}
    for name, table in system.notify.effective().items():
        try:
            channels[name] = _channel(name, table, environment, folder / name)
        except NotConfigured as error:
            missing[name] = str(error)
    tracker = _tracker(system, environment, folder / "issues")
    secrets = [secret for one in (*channels.values(), tracker) for secret in one.secrets]
    if system.issues.enabled:
        channels[CHANNEL] = tracker
    return Receivers(channels, missing, tracker.place, Redactor(secrets))


def _channel(name: str, table: ChannelTable, environment: Mapping[str, str], folder: Path) -> Sending:
    def secret(variable: str) -> str:
        value = environment.get(variable, "").strip()
        if not value:
            raise NotConfigured(f"notify.channels.{name} needs the variable {variable}, which is not set")
        return value

    match table:
        case SlackChannel():
            return Slack(table.channel, secret(table.token_env), url=table.url)
        case MailChannel():
            user = None if table.user_env is None else secret(table.user_env)
            password = None if table.password_env is None else secret(table.password_env)
            return Mail(
                table.host, table.sender, table.to, port=table.port, tls=table.tls, user=user, password=password
            )
        case PagerChannel():
            return PagerDuty(secret(table.routing_key_env), url=table.url)
        case FolderChannel():
            return Folder(folder)


def _tracker(system: System, environment: Mapping[str, str], folder: Path) -> Sending:
    issues = system.issues
    token = environment.get(issues.token_env, "").strip()
    if issues.repository is None or not token:
        return FolderTracker(folder)
    return GitHub(issues.repository, token, url=issues.url, labels=issues.labels, reopen_days=issues.reopen_days)
