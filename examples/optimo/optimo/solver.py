"""Solve a model with HiGHS and read the schedule from its answer."""

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp

from optimo import assembly

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Solution:
    """A schedule and how good it is; amounts in MW and $, `gap` relative."""

    schedule: pd.DataFrame  # hour, gen, on, p_mw
    objective: float
    bound: float
    gap: float
    proven: bool  # within the gap asked for; False when a limit stopped the solver
    shed_mwh: float
    balance_max_mw: float


def solve(case, model, *, mip_gap, time_limit_s):
    """The best schedule found, or None."""
    matrix = assembly.matrix(model)
    lower = np.array([one.lower for one in model.constraints])
    upper = np.array([one.upper for one in model.constraints])
    answer = milp(
        model.cost,
        integrality=model.binary.astype(int),
        bounds=Bounds(model.lower, model.upper),
        constraints=LinearConstraint(matrix, lower, upper),
        options={"mip_rel_gap": mip_gap, "time_limit": time_limit_s},
    )
    logger.info("solver status=%d %s objective=%s gap=%s", answer.status, answer.message, answer.fun, answer.mip_gap)
    if answer.x is None:
        return None
    return _solution(case, model, answer, matrix @ answer.x - lower)


def _solution(case, model, answer, residual):
    columns = model.columns
    on = columns.block(answer.x, columns.on(0, 0)).round().astype(int)
    above_min_mw = columns.block(answer.x, columns.above_min(0, 0))
    shed_mw = columns.block(answer.x, columns.shed(0, 0))
    p_mw = case.generators["pmin_mw"].to_numpy() * on + above_min_mw
    hours = np.repeat(np.arange(columns.hours), columns.units)
    gens = np.tile(case.generators["gen"].astype(int), columns.hours)
    balance = residual[: columns.hours * columns.buses]  # these constraints come first
    return Solution(
        schedule=pd.DataFrame({"hour": hours, "gen": gens, "on": on.ravel(), "p_mw": p_mw.ravel().round(6)}),
        objective=float(answer.fun),
        bound=float(answer.mip_dual_bound),
        gap=float(answer.mip_gap),
        proven=answer.status == 0,
        shed_mwh=float(shed_mw.sum()),
        balance_max_mw=float(np.abs(balance).max()),
    )
