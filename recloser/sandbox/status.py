"""How a sandbox is, as `recloser sandbox status` shows it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from recloser.sandbox.state import Record
from recloser.values import Value


class Condition(StrEnum):
    """Whether it runs."""

    UP = "up"
    DOWN = "down"


class Status(Value):
    """What `status` shows."""

    condition: Condition
    state_dir: str
    record: Record | None = None
    ministack_alive: bool = False
    jobs: dict[str, int] = Field(default_factory=dict)
    faults: dict[str, int | float | str] = Field(default_factory=dict)
    events: dict[str, int] = Field(default_factory=dict)
    """Rules for them, and how many are sent, waiting, dropped, and lost by a fault."""
    memory_guard: str = ""
