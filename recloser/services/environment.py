"""What a service sees of ours: a clean environment, what is declared, what is handed on."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from recloser.target.services import PORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recloser.target import Service

_BASE = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER")


def base(ambient: Mapping[str, str]) -> dict[str, str]:
    """What every program may expect, and nothing that changes how ours run."""
    return {name: ambient[name] for name in _BASE if name in ambient}


def of_service(service: Service, urls: Mapping[str, str], ambient: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a service.

    Args:
        service: Its declaration wins over all else.
        urls: Of the services it needs, by the variable each is told in; they win over what is inherited.
        ambient: Ours.
    """
    inherited = {name: ambient[name] for name in service.inherit if name in ambient}
    own = {name: with_port(value, service) for name, value in service.environment.items()}
    return {**base(ambient), "PYTHONUNBUFFERED": "1", **inherited, **urls, **own}


def with_port(text: str, service: Service) -> str:
    """A word of a declaration with the port in it; a service without one has nothing to be filled in."""
    return text.replace(PORT, str(service.port))


def secrets(service: Service, urls: Iterable[str], ambient: Mapping[str, str]) -> tuple[str, ...]:
    """What must never be shown: every inherited value, and the passwords in the URLs of services."""
    inherited = (ambient[name] for name in service.inherit if name in ambient)
    return (*inherited, *(password for url in urls if (password := urlsplit(url).password)))
