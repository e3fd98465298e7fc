"""What each cause means to the person who must act; the words are data, see `causes.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from recloser.values import Cause, Value

if TYPE_CHECKING:
    from collections.abc import Mapping


class CauseFacts(Value):
    """A cause in words."""

    means: str
    concerned: str
    """Role or owner whose change cures it."""
    advice: str


@cache
def cause_facts() -> Mapping[Cause, CauseFacts]:
    """Every cause in words."""
    text = resources.files("recloser.diagnosis").joinpath("causes.toml").read_text(encoding="utf-8")
    return TypeAdapter(dict[Cause, CauseFacts]).validate_python(tomllib.loads(text))
