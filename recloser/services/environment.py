"""What a service sees of ours: a clean environment, what is declared, what is handed on."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

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
    return {**base(ambient), "PYTHONUNBUFFERED": "1", **inherited, **urls, **service.environment}


def secrets(service: Service, urls: Iterable[str], ambient: Mapping[str, str]) -> tuple[str, ...]:
    """What must never be shown: every inherited value, and the passwords in the URLs of services."""
    inherited = (ambient[name] for name in service.inherit if name in ambient)
    return (*inherited, *(password for url in urls if (password := urlsplit(url).password)))
