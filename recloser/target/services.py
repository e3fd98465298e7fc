"""What has to run while a system is tested: the `[services.*]` tables."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from recloser.target.base import Declared

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""What a service, a suite or a data set is called."""
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""Name of an environment variable."""
PORT = "{port}"
"""Stands for the port of a service, so that it can be run on another one."""


class Healthcheck(Declared):
    """How a service is asked whether it is up, in the words of compose files."""

    test: Literal["http", "tcp", "none"] | Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """`http`: GET `health`; `tcp`: the port takes a connection; an argument vector: it ends with exit code 0, with
    `{python}` and `{port}` filled in; `none`: nobody can tell. By default `http`, and of a PostgreSQL that it takes
    sessions."""
    interval_s: float | None = Field(default=None, ge=0.01, le=600)
    """From one question to the next; 0.2, and 1 where a command asks."""
    timeout_s: float | None = Field(default=None, gt=0, le=600)
    """A later answer is none; 0.4, and 5 where a command asks."""
    retries: int = Field(default=3, ge=1, le=100)
    """After so many questions in a row without an answer it hangs, and is killed and started again."""
    busy_s: float = Field(default=30.0, ge=0, le=3_600)
    """But not before so long while it uses the processor: what is busy answers late, what hangs does nothing."""

    @model_validator(mode="after")
    def _no_words_of_a_container(self) -> Self:
        if isinstance(self.test, tuple) and self.test[0] in {"CMD", "CMD-SHELL", "NONE"}:
            raise ValueError(f'`test` is an argument vector without {self.test[0]!r}, or "http", "tcp" or "none"')
        return self


class Service(Declared):
    """One process, or a PostgreSQL, that others use while it runs."""

    command: tuple[str, ...] = ()
    """Argument vector; `{python}` and `{port}` are filled in. Run in the target's folder, never through a shell; it
    must stay in the foreground."""
    postgresql: bool = False
    """A real PostgreSQL instead of a command: empty at the start of a cycle, and gone after it."""
    port: int | None = Field(default=None, ge=1, le=65_535)
    """Where it listens; a PostgreSQL without one takes a free port."""
    host: str = "127.0.0.1"
    health: str = Field(default="/", pattern=r"^/")
    """Path that is asked with GET; an answer below 400 means that the service is up."""
    expect: dict[str, str] = Field(default_factory=dict)
    """Fields of the JSON it answers, and what they have to say."""
    healthcheck: Healthcheck = Healthcheck()
    needs: tuple[Name, ...] = ()
    """Services that have to be up first."""
    url_env: Variable | None = None
    """Variable that tells its URL to the services and suites that need it."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Set for the process, with `{port}` filled in. Secrets do not belong here; see `inherit`."""
    inherit: tuple[str, ...] = ()
    """Names of variables handed on from the environment of `recloser` itself; for secrets."""
    start_s: float = Field(default=30.0, gt=0, le=3_600)
    """How long it may take until it is up."""
    stop_s: float = Field(default=10.0, gt=0, le=600)
    """How long it may take to end by itself before it is killed."""
    restarts: int = Field(default=3, ge=0, le=100)
    """How often it is started again; one more crash or hang is a crash loop."""
    restart_window_s: float | None = Field(default=None, gt=0, le=86_400)
    """Within which time these are counted; by default the whole cycle."""

    @property
    def test(self) -> Literal["http", "tcp", "none", "postgresql"] | tuple[str, ...]:
        """How it is asked whether it is up."""
        return self.healthcheck.test or ("postgresql" if self.postgresql else "http")

    @property
    def texts(self) -> tuple[str, ...]:
        """What `{port}` is filled into."""
        asked = self.test if isinstance(self.test, tuple) else ()
        return (*self.command, *self.environment.values(), *asked)

    @property
    def can_move(self) -> bool:
        """Whether a second one can run beside it: it listens where it is told to, and its users are told where."""
        told = any(PORT in text for text in (*self.command, *self.environment.values()))
        return self.url_env is not None and (self.postgresql or told)

    @model_validator(mode="after")
    def _one_thing_runs(self) -> Self:
        if bool(self.command) == self.postgresql:
            raise ValueError("give exactly one of `command` and `postgresql = true`")
        if self.postgresql and (self.host != "127.0.0.1" or self.environment or self.inherit):
            raise ValueError("a PostgreSQL of ours listens on 127.0.0.1 and has no `environment` and no `inherit`")
        return self

    @model_validator(mode="after")
    def _it_can_be_asked(self) -> Self:
        if self.port is None and not self.postgresql and (self.test in {"http", "tcp"} or self.url_env):
            raise ValueError('give the `port` it listens on, or a `healthcheck` whose `test` is a command or "none"')
        if self.port is None and any(PORT in text for text in self.texts):
            raise ValueError(f"give the `port` that {PORT} is filled in with")
        if self.test != "http" and {"health", "expect"} & self.model_fields_set:
            raise ValueError('`health` and `expect` are asked by HTTP; leave them out, or set test = "http"')
        return self


def start_order(services: Mapping[str, Service]) -> tuple[str, ...]:
    """Names of all services, each after those it needs.

    Raises:
        ValueError: A service needs one that is not declared or cannot be asked, or in the end itself; or two share an
            address or a variable.
    """
    for name, service in services.items():
        check_needs(f"services.{name}", service.needs, services)
    _none_is_shared(services, _address, "both listen on {0[0]}:{0[1]}")
    _none_is_shared(services, lambda service: service.url_env, "both tell their URL in {0}")
    try:
        return tuple(TopologicalSorter({name: service.needs for name, service in services.items()}).static_order())
    except CycleError as error:
        raise ValueError(f"services need each other in a circle: {' needs '.join(reversed(error.args[1]))}") from error


def check_needs(user: str, needs: Iterable[str], services: Mapping[str, Service]) -> None:
    """Check that what somebody needs is there and can be told to be up.

    Raises:
        ValueError: It is not declared, or its `healthcheck` asks nothing.
    """
    for name in needs:
        if name not in services:
            raise ValueError(f"{user} needs {name!r}, which is not among the services")
        if services[name].test == "none":
            raise ValueError(f"{user} needs {name!r}, which nobody can tell to be up: give it another `healthcheck`")


def _address(service: Service) -> tuple[str, int] | None:
    return None if service.port is None else (service.host, service.port)


def _none_is_shared(services: Mapping[str, Service], what: Callable[[Service], Hashable | None], said: str) -> None:
    taken: dict[Hashable, str] = {}
    for name, service in services.items():
        value = what(service)
        other = name if value is None else taken.setdefault(value, name)
        if other != name:
            raise ValueError(f"services.{other} and services.{name} {said.format(value)}")
