"""PYPOWER over our frozen tables: the answers that ours are compared with."""

from __future__ import annotations

import csv
from importlib import resources
from typing import Any

import numpy as np
from pypower.ppoption import ppoption

OPTIONS = ppoption(VERBOSE=0, OUT_ALL=0, PF_TOL=1e-12, PF_MAX_IT=30)
_UNLIMITED_MVA = 9900.0


def pypower_case(case: str) -> dict[str, Any]:
    """A case of PYPOWER, read from the CSV files by a reader of its own."""
    buses, branches, units = (_table(case, name) for name in ("buses", "branches", "generators"))
    n_units, n_branches = len(units["gen"]), len(branches["branch"])
    bus = (
        buses["bus"] + 1, buses["type"], buses["pd0_mw"], buses["qd0_mvar"], buses["gs_mw"], buses["bs_mvar"],
        buses["area"], buses["vm0_pu"], buses["va0_deg"], buses["vn_kv"], buses["zone"], buses["vmax_pu"],
        buses["vmin_pu"],
    )  # fmt: skip
    gen = (
        units["bus"] + 1, units["pg0_mw"], units["qg0_mvar"], units["qmax_mvar"], units["qmin_mvar"],
        units["vset_pu"], np.full(n_units, 100.0), units["in_service"], units["pmax_mw"], units["pmin_mw"],
        *np.zeros((11, n_units)),
    )  # fmt: skip
    limit = np.full(n_branches, _UNLIMITED_MVA)
    branch = (
        branches["from_bus"] + 1, branches["to_bus"] + 1, branches["r_pu"], branches["x_pu"], branches["b_pu"],
        branches["rate_source_mva"], limit, limit, np.where(branches["tap"] == 1, 0, branches["tap"]),
        branches["shift_deg"], branches["in_service"], np.full(n_branches, -360.0), np.full(n_branches, 360.0),
    )  # fmt: skip
    polynomial = np.full(n_units, 2.0)
    none = np.zeros(n_units)
    gencost = (polynomial, none, none, np.full(n_units, 3.0), units["c2"], units["c1"], units["c0"])
    matrices = {"bus": bus, "gen": gen, "branch": branch, "gencost": gencost}
    return {"version": "2", "baseMVA": 100.0} | {name: np.column_stack(value) for name, value in matrices.items()}


def _table(case: str, name: str) -> dict[str, np.ndarray]:
    text = (resources.files("recloser.grid") / "cases" / case / f"{name}.csv").read_text()
    header, *rows = csv.reader(text.splitlines())
    words = {"true": 1.0, "false": 0.0}
    columns = zip(*([words[cell] if cell in words else float(cell) for cell in row] for row in rows), strict=True)
    return dict(zip(header, map(np.array, columns), strict=True))
