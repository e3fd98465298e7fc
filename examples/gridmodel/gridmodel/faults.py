"""What can be broken on purpose, so that those who watch the service can show that they notice.

`GRIDMODEL_FAULTS="slow=0.5,error-every=3"` breaks every request. With `GRIDMODEL_ADMIN_TOKEN` set, the headers
`X-Gridmodel-Token` and `X-Gridmodel-Faults` break one request in the same words; the faults of a start are not among
them.

| fault | shows as |
|---|---|
| slow=SECONDS | every answer comes so much later |
| error-every=N | every N-th request of the service's life is answered 500 |
| wrong-shape | the first array of the answer lacks its last row |
| nan | the first number of that array is not a number, in JSON `null` |
| stale-cache | data sets are remembered without regard to the seed |
| leak=MIB | every request keeps so much memory |
| unstable-var | forecasts by least squares |
| lost-charging | power flows without the charging of one line; the tables still show it |
| without-model=NAME | the service starts without that model (`models`) |
| port-taken | another socket sits on the service's port |
| crash-on-start | the process ends with exit code 70 before it listens |
"""

import hmac
import itertools
import time
from dataclasses import dataclass, field, fields, replace

import numpy as np

EXIT_CRASH = 70
AT_START = {"without_model", "port_taken", "crash_on_start"}


@dataclass(frozen=True, slots=True)
class Faults:
    """Which faults are on, and how much; by default none."""

    slow: float = 0.0
    error_every: int = 0
    wrong_shape: bool = False
    nan: bool = False
    stale_cache: bool = False
    leak: float = 0.0
    unstable_var: bool = False
    lost_charging: bool = False
    without_model: str = ""
    port_taken: bool = False
    crash_on_start: bool = False

    @classmethod
    def parse(cls, text):
        """Read `name=value,name,…`.

        Raises:
            ValueError: A fault is unknown, or its value is missing or makes no sense.
        """
        found = {}
        for item in filter(None, (item.strip() for item in text.split(","))):
            name, _, value = item.partition("=")
            found[name.replace("-", "_")] = _value(cls, name, value)
        return cls(**found)

    def merged(self, other):
        """These faults, and those that `other` has switched on."""
        on = {item.name: getattr(other, item.name) for item in fields(self) if getattr(other, item.name)}
        return replace(self, **on)


NO_FAULTS = Faults()


def _value(cls, name, text):
    kinds = {item.name.replace("_", "-"): type(item.default) for item in fields(cls)}
    if name not in kinds:
        raise ValueError(f"unknown fault {name!r}; there are {', '.join(kinds)}")
    kind = kinds[name]
    if kind is bool:
        if text:
            raise ValueError(f"{name} takes no value")
        return True
    try:
        value = kind(text)
    except ValueError:
        value = None
    if not value or (kind is not str and not 0 < value < 1e6):
        raise ValueError(f"{name} needs a {'name' if kind is str else 'positive number'}: {name}=…")
    return value


def of_request(headers, admin_token):
    """The faults a request asks for.

    Raises:
        PermissionError: It may not ask.
        ValueError: It asks for something that does not exist, or only at a start.
    """
    asked = headers.get("X-Gridmodel-Faults")
    if not asked:
        return NO_FAULTS
    given = headers.get("X-Gridmodel-Token", "")
    if not admin_token or not hmac.compare_digest(given.encode(), admin_token.encode()):
        raise PermissionError("faults need the header X-Gridmodel-Token with the value of GRIDMODEL_ADMIN_TOKEN")
    faults = Faults.parse(asked)
    if late := sorted(name for name in AT_START if getattr(faults, name)):
        raise ValueError(f"{', '.join(late).replace('_', '-')} can only be set when the service starts")
    return faults


@dataclass(slots=True)
class Damage:
    """What the faults of a running service add up to: requests counted, memory kept, answers remembered."""

    _requests: itertools.count = field(default_factory=lambda: itertools.count(1))
    _kept: list = field(default_factory=list)
    _remembered: dict = field(default_factory=dict)

    def before(self, faults):
        """Do to a request what happens before it is looked at.

        Raises:
            RuntimeError: It is the one that fails.
        """
        time.sleep(faults.slow)
        if faults.leak:
            self._kept.append(np.ones(int(faults.leak * 2**20), dtype=np.uint8))
        if faults.error_every and next(self._requests) % faults.error_every == 0:
            raise RuntimeError(f"fault error-every={faults.error_every}")

    def remembered(self, faults, key, make):
        """What `make` gives; with a stale cache, what it gave the first time."""
        return self._remembered.setdefault(key, make()) if faults.stale_cache else make()


def spoil(faults, answer):
    """Do to an answer what happens after it is made; its first array is the one that suffers."""
    first = next((name for name, value in answer.items() if isinstance(value, np.ndarray)), None)
    if first is None or not (faults.nan or faults.wrong_shape):
        return answer
    array = answer[first].copy()
    if faults.nan:
        array.flat[0] = np.nan
    return answer | {first: array[:-1] if faults.wrong_shape else array}
