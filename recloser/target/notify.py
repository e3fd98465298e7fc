"""Who is told, and over what: the `[notify]` and `[issues]` tables. Secrets are named here, never written."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from recloser.target.base import Declared
from recloser.target.services import Name  # noqa: TC001 - pydantic reads the annotations
from recloser.values import Severity


def _safe_url(value: str) -> str:
    """A token is sent there, so it has to be encrypted on the way; a fake on this machine needs no certificate."""
    parts = urlsplit(value)
    if parts.username or parts.password:
        raise ValueError("a URL must not hold a password; name a variable instead")
    if parts.scheme == "https" and parts.hostname:
        return value.rstrip("/")
    if parts.scheme == "http" and _is_loopback(parts.hostname):
        return value.rstrip("/")
    raise ValueError("expected an https:// URL")


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


Url = Annotated[str, AfterValidator(_safe_url)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
"""Name of a variable in the environment of `recloser` that holds a secret."""
Address = Annotated[str, Field(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$")]


class ChannelBase(Declared):
    """What all channels have."""

    min_severity: Severity = Severity.INFO
    """Milder findings are not told here."""
    owners: tuple[str, ...] = ()
    """Only findings of these owners; empty: everybody's."""


class SlackChannel(ChannelBase):
    """A channel of Slack, by the API: a webhook has no threads."""

    kind: Literal["slack"]
    channel: str = Field(pattern=r"^[CGD][A-Z0-9]{2,}$")
    """Its id, such as C0123456789: names change."""
    token_env: Variable = "SLACK_BOT_TOKEN"  # noqa: S105 - the name of a variable
    url: Url = "https://slack.com/api"


class MailChannel(ChannelBase):
    """Mail, always encrypted and to a server whose certificate is verified."""

    kind: Literal["email"]
    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65_535)
    tls: Literal["starttls", "tls"] = "starttls"
    sender: Address
    to: tuple[Address, ...] = Field(min_length=1)
    user_env: Variable | None = None
    password_env: Variable | None = None

    @model_validator(mode="after")
    def _user_and_password_belong_together(self) -> Self:
        if (self.user_env is None) != (self.password_env is None):
            raise ValueError("give both of `user_env` and `password_env`, or neither")
        return self


class PagerChannel(ChannelBase):
    """PagerDuty, Events API v2."""

    kind: Literal["pagerduty"]
    min_severity: Severity = Severity.CRITICAL
    routing_key_env: Variable = "PAGERDUTY_ROUTING_KEY"
    url: Url = "https://events.pagerduty.com"


class FolderChannel(ChannelBase):
    """Files on this machine: to see what would be sent."""

    kind: Literal["folder"]


ChannelTable = Annotated[SlackChannel | MailChannel | PagerChannel | FolderChannel, Field(discriminator="kind")]


class Notify(Declared):
    """The channels."""

    channels: dict[Name, ChannelTable] = Field(default_factory=dict)
    """By a name of one's own; none means a folder of files."""
    drain_s: float = Field(default=30.0, gt=0, le=600)
    """How long a cycle may spend on sending; what is left is sent by the next one."""

    def effective(self) -> dict[str, ChannelTable]:
        """The channels, or the folder that stands in for them."""
        return dict(self.channels) or {"folder": FolderChannel(kind="folder")}


class Issues(Declared):
    """Issues on GitHub; without a repository or a token they are written to a folder instead."""

    enabled: bool = True
    repository: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$")
    token_env: Variable = "GITHUB_TOKEN"  # noqa: S105 - the name of a variable
    url: Url = "https://api.github.com"
    labels: tuple[str, ...] = ("recloser",)
    min_severity: Severity = Severity.WARNING
    """Milder findings get no issue."""
    max_new: int = Field(default=3, ge=0, le=100)
    """New issues of one cycle; the rest waits for the next."""
    reopen_days: float = Field(default=10.0, ge=0)
    """An issue that was closed no longer ago is opened again; otherwise there is a new one that names it."""
    close_after_days: float = Field(default=14.0, gt=0)
    """How long a finding has to be over before its issue is closed."""
