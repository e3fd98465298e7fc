"""What has to run while a system is tested: the `[services.*]` tables."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from recloser.target.base import Declared

if TYPE_CHECKING:
    from collections.abc import Mapping

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""What a service, a suite or a data set is called."""


class Service(Declared):
    """One process that listens on a port."""

    command: tuple[str, ...] = Field(min_length=1)
    """Argument vector; `{python}` is filled in. Run in the target's folder, never through a shell."""
    port: int = Field(ge=1, le=65_535)
    host: str = "127.0.0.1"
    health: str = Field(default="/", pattern=r"^/")
    """Path that is asked with GET; an answer below 400 means that the service is up."""
    expect: dict[str, str] = Field(default_factory=dict)
    """Fields of the JSON it answers, and what they have to say."""
    needs: tuple[Name, ...] = ()
    """Services that have to be up first."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Set for the process. Secrets do not belong here; see `inherit`."""
    inherit: tuple[str, ...] = ()
    """Names of variables handed on from the environment of `recloser` itself; for secrets."""
    start_s: float = Field(default=30.0, gt=0, le=3_600)
    """How long it may take until it is up."""
    stop_s: float = Field(default=10.0, gt=0, le=600)
    """How long it may take to end by itself before it is killed."""
    restarts: int = Field(default=3, ge=0, le=100)
    """How often it is started again within one cycle."""


def start_order(services: Mapping[str, Service]) -> tuple[str, ...]:
    """Names of all services, each after those it needs.

    Raises:
        ValueError: A service needs one that is not declared, or in the end itself; or two share an address.
    """
    _all_are_declared(services)
    _no_address_is_shared(services)
    try:
        return tuple(TopologicalSorter({name: service.needs for name, service in services.items()}).static_order())
    except CycleError as error:
        raise ValueError(f"services need each other in a circle: {' needs '.join(reversed(error.args[1]))}") from error


def _all_are_declared(services: Mapping[str, Service]) -> None:
    for name, service in services.items():
        if unknown := sorted(set(service.needs) - set(services)):
            raise ValueError(f"services.{name} needs {unknown[0]!r}, which is not among the services")


def _no_address_is_shared(services: Mapping[str, Service]) -> None:
    taken: dict[tuple[str, int], str] = {}
    for name, service in services.items():
        other = taken.setdefault((service.host, service.port), name)
        if other != name:
            raise ValueError(f"services.{other} and services.{name} both listen on {service.host}:{service.port}")
