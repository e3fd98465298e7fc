"""How figures are printed beside their gates, and where the data sets are read from."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import binomtest

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


@dataclass
class Bench:
    """Figures and their gates."""

    data: Path = DATA
    seed: int = 0
    """Every part that draws draws otherwise with another one."""
    missed: list[str] = field(default_factory=list)

    def rng(self, part: int) -> np.random.Generator:
        """What a part draws from."""
        return np.random.default_rng([part, self.seed] if self.seed else part)

    def table(self, name: str) -> pd.DataFrame | None:
        """A data set, or None with a word why not."""
        file = self.data / name
        if not file.exists():
            print(f"{name} is not in {self.data}: name the folder of the data sets with --data", file=sys.stderr)
            return None
        return pd.read_csv(file)

    def show(self, name: str, figure: float, note: str = "", *, most: float = np.inf, least: float = -np.inf) -> None:
        """Print a figure beside its gate; `note` is its interval, or what it is of."""
        gate = f"<= {most:g}" if most < np.inf else f">= {least:g}" if least > -np.inf else ""
        good = least <= figure <= most
        if not good:
            self.missed.append(name)
        verdict = "" if not gate else "ok" if good else "MISSED"
        print(f"{name:<66} {figure:>9.4g} {note:<24} {gate:<9} {verdict}")

    def share(self, name: str, hits: int, of: int, *, most: float = np.inf, least: float = -np.inf) -> None:
        """Print a share with Wilson's interval."""
        hits, of = int(hits), int(of)
        interval = binomtest(hits, of).proportion_ci(method="wilson") if of else None
        note = f"{hits} of {of} ({interval.low:.3f}-{interval.high:.3f})" if interval else "of none"
        self.show(name, hits / of if of else np.nan, note, most=most, least=least)


def bootstrap(values: np.ndarray, statistic: Callable[[np.ndarray], float], turns: int = 1000) -> str:
    """The interval of a statistic over rows drawn again."""
    rng = np.random.default_rng(1)
    drawn = [statistic(values[rng.integers(0, len(values), len(values))]) for _ in range(turns)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"({low:.3g}-{high:.3g})"
