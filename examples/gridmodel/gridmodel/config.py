"""What the two processes are told: environment variables, and nothing else.

| variable | default | meaning |
|---|---|---|
| GRIDMODEL_HOST, GRIDMODEL_PORT | 127.0.0.1, 5001 | where the service listens; port 0 is any free one |
| GRIDMODEL_THREADS | 4 | requests worked on at once |
| GRIDMODEL_MAX_BODY_MB | 16 | larger requests are refused unread |
| GRIDMODEL_HISTORY_URL | none | `postgresql://…`: remember every answered request there |
| GRIDMODEL_FAULTS | none | what is broken on purpose, see `faults` |
| GRIDMODEL_ADMIN_TOKEN | none | who sends it may break single requests |
| GRIDMODEL_FRONTEND_HOST, GRIDMODEL_FRONTEND_PORT | 127.0.0.1, 60000 | where the page is served |
| GRIDMODEL_API_URL | http://127.0.0.1:5001 | where the page's server finds the service |
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gridmodel.faults import NO_FAULTS, Faults

LARGEST_PORT = 65535


class ConfigError(Exception):
    """A variable cannot be used; the message names it and says what was expected."""


@dataclass(frozen=True, slots=True)
class Config:
    """One run of the service."""

    host: str = "127.0.0.1"
    port: int = 5001
    threads: int = 4
    max_body_mb: int = 16
    history_url: str | None = field(default=None, repr=False)
    faults: Faults = NO_FAULTS
    admin_token: str | None = field(default=None, repr=False)

    @property
    def max_body_bytes(self):
        return self.max_body_mb * 2**20


@dataclass(frozen=True, slots=True)
class FrontendConfig:
    """One run of the page's server."""

    host: str = "127.0.0.1"
    port: int = 60000
    api_url: str = "http://127.0.0.1:5001"


def read(environment):
    """The service's configuration.

    Raises:
        ConfigError: A variable is not what it has to be.
    """
    try:
        faults = Faults.parse(environment.get("GRIDMODEL_FAULTS", ""))
    except ValueError as error:
        raise ConfigError(f"GRIDMODEL_FAULTS: {error}") from error
    return Config(
        host=environment.get("GRIDMODEL_HOST") or "127.0.0.1",
        port=_integer(environment, "GRIDMODEL_PORT", 5001, 0, LARGEST_PORT),
        threads=_integer(environment, "GRIDMODEL_THREADS", 4, 1, 64),
        max_body_mb=_integer(environment, "GRIDMODEL_MAX_BODY_MB", 16, 1, 1024),
        history_url=environment.get("GRIDMODEL_HISTORY_URL") or None,
        faults=faults,
        admin_token=environment.get("GRIDMODEL_ADMIN_TOKEN") or None,
    )


def read_frontend(environment):
    """The configuration of the page's server.

    Raises:
        ConfigError: A variable is not what it has to be.
    """
    api_url = environment.get("GRIDMODEL_API_URL") or "http://127.0.0.1:5001"
    parts = urlsplit(api_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("GRIDMODEL_API_URL must be http://HOST:PORT or https://HOST:PORT")
    return FrontendConfig(
        host=environment.get("GRIDMODEL_FRONTEND_HOST") or "127.0.0.1",
        port=_integer(environment, "GRIDMODEL_FRONTEND_PORT", 60000, 0, LARGEST_PORT),
        api_url=api_url.rstrip("/"),
    )


def _integer(environment, name, default, low, high):
    text = environment.get(name) or str(default)
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise ConfigError(f"{name} must be an integer from {low} to {high}, not {text!r}")
    return value
