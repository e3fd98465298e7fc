"""What good datasets of one kind look like, from many seeds: the limits of every statistical rule.

A baseline is data with its provenance: which seeds of which generator, when, with which versions, and the hash of its
own content. `build_baseline` makes one; those of the named sizes lie in `baselines/`.
"""

from __future__ import annotations

import hashlib
import json
import platform
from datetime import datetime
from functools import cache
from importlib import resources
from importlib.metadata import version
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError as PydanticError

import recloser
from recloser.grid import DatasetRequest, generate_dataset, load_network, make_injections, request_dataset
from recloser.grid.request import DT_MIN, LEVEL
from recloser.validation.errors import BaselineError
from recloser.validation.facts import Facts, of_dataset
from recloser.validation.physics_columns import loss_shares, outside_bus_limits
from recloser.validation.series import LoadSeries, from_buses, from_profile, ks_distance
from recloser.values import Value, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from recloser.grid.columns import Floats

MIN_SEEDS = 60
_QUANTILES = 201
_DIGITS = 9


class Spread(Value):
    """How one number is spread over the seeds."""

    mean: float
    sd: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """From the lowest to the highest."""
        return self.high - self.low

    @property
    def said(self) -> str:
        """From where to where, in words."""
        return f"{self.low:.5g} to {self.high:.5g}"


class Provenance(Value):
    """Where a baseline comes from."""

    generator: str
    first_seed: int
    n_seeds: int
    created_utc: datetime
    versions: dict[str, str]
    network_sha256: str


class Baseline(Value):
    """What is expected of a set of one network, number of steps and level."""

    case: str
    n_steps: int
    dt_min: int
    level: float
    provenance: Provenance
    numbers: dict[str, Spread]
    profile: tuple[float, ...]
    """Load of the system as a share of its base, of each step."""
    rho: float
    quantiles: tuple[float, ...]
    """Of all load factors, evenly spaced."""
    bus_means: dict[str, tuple[float, ...]]
    bus_spreads: dict[str, tuple[float, ...]]
    content_sha256: str = ""

    def fits(self, case: str, n_steps: int, level: float) -> bool:
        """Whether it was made of sets of exactly this kind."""
        return (self.case, self.n_steps, self.level) == (case, n_steps, level)

    def compare(self, series: LoadSeries) -> dict[str, float]:
        """The numbers of a set's inputs, those that compare it with this baseline included."""
        means = {name: np.array(values) for name, values in self.bus_means.items()}
        spreads = {name: np.array(values) for name, values in self.bus_spreads.items()}
        return (
            series.of_set()
            | from_profile(series.total, np.array(self.profile), self.rho)
            | from_buses(series, means, spreads)
            | {"ks_distance": ks_distance(series.factors, np.array(self.quantiles))}
        )


def build_baseline(
    case: str,
    n_steps: int,
    *,
    level: float = LEVEL,
    first_seed: int = 100,
    n_seeds: int = 120,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Baseline:
    """Make a baseline from datasets of our generator.

    Args:
        case: A registered network, as `case118` or `118`.
        n_steps: Steps of each set.
        level: Mean load as a share of the base load.
        first_seed: The first seed; the others follow it.
        n_seeds: How many, at least 60.
        on_progress: Called with the number of sets done.

    Raises:
        BaselineError: There are too few seeds to say anything.
    """
    if n_seeds < MIN_SEEDS:
        raise BaselineError(f"A baseline needs at least {MIN_SEEDS} seeds; {n_seeds} say too little about rare values.")
    seeds = range(first_seed, first_seed + n_seeds)
    requests = [request_dataset(case, n_steps, seed=seed, level=level) for seed in seeds]
    outputs: list[dict[str, float]] = []
    for done, request in enumerate(requests, start=1):
        outputs.append(_numbers_of_outputs(request))
        on_progress(done)
    draft = _references(requests)
    inputs = [draft.compare(inputs_of(request)) for request in requests]
    numbers = {name: _spread([row[name] for row in rows]) for rows in (inputs, outputs) for name in rows[0]}
    return seal(draft.model_copy(update={"numbers": numbers}))


def inputs_of(request: DatasetRequest) -> LoadSeries:
    """The load series a request leads to, without solving anything."""
    network = load_network(request.case)
    (block,) = make_injections(request, network, steps_at_once=request.n_steps)
    return LoadSeries(network, block.pd_mw, block.qd_mvar, block.pg_mw)


def find_baseline(case: str, n_steps: int, level: float, *, folder: Path | None = None) -> Baseline | None:
    """The baseline for sets of this kind: of a folder first, then of the package; None when there is none."""
    own = read_baselines(folder) if folder is not None else ()
    return next((found for found in (*own, *packaged_baselines()) if found.fits(case, n_steps, level)), None)


def alike_baseline(case: str, n_steps: int, *, folder: Path | None = None) -> Baseline | None:
    """A baseline of the same network for limits that hold at any length: the shortest of at least as many steps.

    A shorter one has not seen what longer sets hold, such as the end of a week; of those the longest is taken.
    """
    own = read_baselines(folder) if folder is not None else ()
    alike = [found for found in (*own, *packaged_baselines()) if found.case == case]
    longer = [found for found in alike if found.n_steps >= n_steps]
    by_length = attrgetter("n_steps")
    return min(longer, key=by_length) if longer else max(alike, key=by_length, default=None)


@cache
def packaged_baselines() -> tuple[Baseline, ...]:
    """The baselines of the named sizes."""
    folder = resources.files("recloser.validation") / "baselines"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".json")), key=lambda file: file.name)
    return tuple(_parse(file.name, file.read_text(encoding="utf-8")) for file in files)


def read_baselines(folder: Path) -> tuple[Baseline, ...]:
    """The baselines of a folder; none when there is no such folder.

    Raises:
        BaselineError: A file of it is no baseline, or was changed by hand.
    """
    return tuple(_parse(str(file), file.read_text(encoding="utf-8")) for file in sorted(folder.glob("grid-*.json")))


def write_baseline(baseline: Baseline, folder: Path) -> Path:
    """Write a baseline where `read_baselines` finds it, and say where."""
    folder.mkdir(parents=True, exist_ok=True)
    level = "" if baseline.level == LEVEL else f"-level{baseline.level:g}"
    path = folder / f"grid-{baseline.case}-{baseline.n_steps}{level}.json"
    path.write_text(json.dumps(baseline.model_dump(mode="json"), separators=(",", ":")) + "\n", encoding="utf-8")
    return path


def seal(baseline: Baseline) -> Baseline:
    """The same baseline with the hash of its content, so that a change by hand is found."""
    return baseline.model_copy(update={"content_sha256": _content_sha256(baseline)})


def _parse(name: str, text: str) -> Baseline:
    try:
        baseline = Baseline.model_validate_json(text)
    except PydanticError as error:
        raise BaselineError(f"{name} is no baseline: {error.errors()[0]['msg']}; build it anew.") from error
    if baseline.content_sha256 != _content_sha256(baseline):
        raise BaselineError(f"{name} was changed since it was built; build it anew with `recloser data baseline`.")
    return baseline


def _content_sha256(baseline: Baseline) -> str:
    content = baseline.model_dump(mode="json", exclude={"content_sha256"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _numbers_of_outputs(request: DatasetRequest) -> dict[str, float]:
    facts = Facts(of_dataset(generate_dataset(request)))
    shares = loss_shares(facts)
    return {
        "lowest_loss_share": float(shares.min()),
        "highest_loss_share": float(shares.max()),
        "outside_share": float(outside_bus_limits(facts).mean()),
    }


def _references(requests: list[DatasetRequest]) -> Baseline:
    """A baseline without numbers: what sets are compared with to get them."""
    first = requests[0]
    network = load_network(first.case)
    totals, buses, quantiles = [], [], []
    for request in requests:
        series = inputs_of(request)
        totals.append(series.total)
        buses.append(series.of_buses())
        quantiles.append(np.quantile(series.factors, np.linspace(0, 1, 10 * _QUANTILES)))
    profile = np.mean(totals, axis=0)
    off = np.array(totals) / profile - 1
    rho = float((off[:, 1:] * off[:, :-1]).sum() / (off[:, :-1] ** 2).sum()) if off.shape[1] > 1 else 0.0
    return Baseline(
        case=first.case,
        n_steps=first.n_steps,
        dt_min=DT_MIN,
        level=first.level,
        provenance=Provenance(
            generator=f"recloser.grid {recloser.__version__}",
            first_seed=first.seed,
            n_seeds=len(requests),
            created_utc=utc_now(),
            versions={"python": platform.python_version()} | {name: version(name) for name in ("numpy", "pandas")},
            network_sha256=network.network_sha256,
        ),
        numbers={},
        profile=_rounded(profile),
        rho=round(rho, _DIGITS),
        quantiles=_rounded(np.quantile(np.concatenate(quantiles), np.linspace(0, 1, _QUANTILES))),
        bus_means={name: _rounded(_over(buses, name).mean(axis=0)) for name in buses[0]},
        bus_spreads={name: _rounded(_over(buses, name).std(axis=0, ddof=1)) for name in buses[0]},
    )


def _over(rows: Iterable[Mapping[str, Floats]], name: str) -> Floats:
    return np.array([row[name] for row in rows])


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(float(f"{value:.6g}") for value in values)


def _spread(values: list[Any]) -> Spread:
    found = np.array(values, dtype=np.float64)
    return Spread(
        mean=round(float(found.mean()), _DIGITS),
        sd=round(float(found.std(ddof=1)), _DIGITS),
        low=round(float(found.min()), _DIGITS),
        high=round(float(found.max()), _DIGITS),
    )
