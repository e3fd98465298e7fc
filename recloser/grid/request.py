"""What dataset is asked for. The inputs of a dataset follow from its request alone."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import ConfigDict, Field, ValidationError

from recloser.grid.errors import BadRequestError
from recloser.grid.networks import load_network, registered_cases
from recloser.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

DT_MIN: Final = 15
T0: Final = "2024-01-01T00:00:00Z"
LEVEL = 0.85
MAX_STEPS = 10_000_000


class DatasetRequest(Value):
    """A dataset to be made: which network, how many steps of 15 minutes, from which seed."""

    model_config = ConfigDict(strict=True)  # true is no number of steps

    case: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")
    n_steps: int = Field(ge=1, le=MAX_STEPS)
    n_buses: int
    seed: int = Field(ge=0, lt=2**63)
    dt_min: Literal[15] = DT_MIN
    t0: Literal["2024-01-01T00:00:00Z"] = T0
    level: float = Field(default=LEVEL, gt=0, le=10)

    @property
    def dataset_id(self) -> str:
        """A name that follows from the request."""
        level = "" if self.level == LEVEL else f"-level{self.level:g}"
        return f"{self.case}-{self.n_steps}-seed{self.seed}{level}"


SIZES: Mapping[str, tuple[str, int]] = MappingProxyType(
    {"small": ("case14", 50), "medium": ("case30", 200), "large": ("case118", 1000)}
)
"""The named sizes: network and number of steps."""


def request_dataset(case: str, n_steps: int, *, seed: int = 0, level: float = LEVEL) -> DatasetRequest:
    """Ask for any number of steps on a registered network.

    Args:
        case: A registered network, as `case118`, `118` or (for short) its number of buses.
        n_steps: Number of steps of 15 minutes, from 1.
        seed: What all noise is drawn from, from 0.
        level: Mean load as a share of the base load of the tables.

    Raises:
        BadRequestError: An argument is out of its bounds.
        UnknownCaseError: No such network is registered.
    """
    name = f"case{case}" if f"case{case}" in registered_cases() else str(case)
    n_buses = load_network(name).n_buses
    given: dict[str, Any] = {"case": name, "n_steps": n_steps, "n_buses": n_buses, "seed": seed, "level": level}
    try:
        return DatasetRequest(**given)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise BadRequestError(f"{field} = {first['input']!r} cannot be: {first['msg']}.") from error


def request_size(size: str, *, seed: int = 0) -> DatasetRequest:
    """Ask for one of the named sizes.

    Args:
        size: `small`, `medium` or `large`.
        seed: What all noise is drawn from, from 0.

    Raises:
        BadRequestError: There is no such size, or the seed is out of its bounds.
    """
    if size not in SIZES:
        raise BadRequestError(f"There is no size {size!r}; there are {', '.join(SIZES)}.")
    case, n_steps = SIZES[size]
    return request_dataset(case, n_steps, seed=seed)
