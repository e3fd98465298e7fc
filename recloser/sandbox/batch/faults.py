"""Switches that make this machine fail as AWS does; all off by default.

`Faults` is what is in force, one frozen value; `Switches` holds it while the sandbox runs, counts down what is
counted, and keeps it in a file, so that the next start finds the same.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field, ValidationError

from recloser.sandbox.errors import SandboxError, StaleStateError
from recloser.sandbox.state import replace_private
from recloser.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_MAX_S: Final = 86_400.0
_PERCENT: Final = 100.0
_LOOK_S: Final = 0.05
MOST_SUBMITTED: Final = 1_000_000
"""AWS's service quota."""
Counted = Literal["host_loss", "spot_interruption", "image_pull_failure", "log_stream_missing"]


def _count(about: str) -> Any:
    return Field(default=0, ge=0, le=1_000_000, description=about)


def _seconds(about: str) -> Any:
    return Field(default=0.0, ge=0, le=_MAX_S, description=about)


def _percent(about: str) -> Any:
    return Field(default=0.0, ge=0, le=_PERCENT, description=about)


class Faults(Value):
    """What is in force. Every field's default means: off."""

    host_loss: int = _count("The next N attempts that reach RUNNING lose their host.")
    spot_interruption: int = _count("The next N attempts that reach RUNNING get SIGTERM and then lose their host.")
    image_pull_failure: int = _count("The next N attempts cannot pull their image.")
    log_stream_missing: int = _count("The next N attempts name a log stream that never comes to exist.")
    throttle_tps: float = Field(
        default=0.0, ge=0, le=1_000_000, description="Calls a second before 429 answers; AWS: 50. 0: no limit."
    )
    api_error_percent: float = _percent("Share of Batch calls answered with 500 ServerException.")
    slow_answer_s: float = _seconds("Seconds before each answer of Batch.")
    describe_lag_s: float = _seconds("Seconds after SubmitJob during which DescribeJobs does not know the job.")
    list_lag_s: float = _seconds("Seconds after SubmitJob during which ListJobs does not know the job.")
    forget_after_s: float = _seconds("Seconds after their end until jobs vanish from answers. 0: by retention only.")
    state_delay_s: float = _seconds("Seconds every attempt stays in STARTING beyond its need.")
    event_duplicate_percent: float = _percent("Share of events that are sent twice.")
    event_loss_percent: float = _percent("Share of events that are never sent.")
    event_delay_s: float = _seconds("Seconds by which every event is late.")
    event_reorder_percent: float = _percent("Share of events that the next one overtakes.")
    most_submitted: int = Field(
        default=MOST_SUBMITTED,
        ge=1,
        le=MOST_SUBMITTED,
        description="Jobs of a queue in SUBMITTED before more are refused; AWS: 1000000.",
    )
    no_capacity_in: str = Field(
        default="", pattern=r"^[a-z0-9-]{0,32}$", description="Region in which no instance is to be had."
    )
    time_scale: float = Field(
        default=1.0, ge=1, le=_MAX_S, description="How often shorter limits and graces are; 60: a minute takes 1 s."
    )

    def in_force(self) -> dict[str, int | float | str]:
        """The switches that are on."""
        return self.model_dump(exclude_defaults=True)


class Switches:
    """The faults of a running sandbox; used from one thread."""

    def __init__(self, path: Path | None = None) -> None:
        """Take up what an earlier run left.

        Args:
            path: Where they are kept; None to forget them with the process.

        Raises:
            StaleStateError: The file is not what this version writes.
        """
        self._path = path
        self.now = Faults() if path is None else _read(path)

    def set(self, changes: Mapping[str, object], *, clear: bool = False) -> None:
        """Change some, after switching all off if told to.

        Raises:
            SandboxError: There is no such switch or its value is out of range; nothing has changed.
        """
        self._replace(changed(Faults() if clear else self.now, changes))

    def scaled(self, seconds: float) -> float:
        """How long a limit or a grace of AWS's lasts here."""
        return seconds / self.now.time_scale

    async def linger(self, stopped: Callable[[], bool]) -> None:
        """Wait as long as an attempt is to stay in STARTING, or until it is stopped."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.now.state_delay_s
        while (left_s := deadline - loop.time()) > 0 and not stopped():  # noqa: ASYNC110 - a fault, hence rare
            await asyncio.sleep(min(left_s, _LOOK_S))

    def take(self, counted: Counted) -> bool:
        """Count one down; whether it was on."""
        left: int = getattr(self.now, counted)
        if left > 0:
            self._replace(self.now.model_copy(update={counted: left - 1}))
        return left > 0

    def _replace(self, faults: Faults) -> None:
        self.now = faults
        if self._path is not None:
            replace_private(self._path, faults.model_dump_json(exclude_defaults=True))


def changed(faults: Faults, changes: Mapping[str, object]) -> Faults:
    """The faults with some changed.

    Raises:
        SandboxError: There is no such switch or its value is out of range.
    """
    try:
        return Faults.model_validate({**faults.model_dump(), **changes})
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise SandboxError(f"fault {where}: {problem['msg']}; see `recloser sandbox faults --help`") from error


def _read(path: Path) -> Faults:
    try:
        return Faults.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Faults()
    except ValidationError as error:
        raise StaleStateError(path, "it is not what this version writes") from error


class Change(Value):
    """What `recloser sandbox faults` asks for."""

    clear: bool = False
    faults: dict[str, int | float | str] = Field(default_factory=dict)
