"""What models of a grid must keep to: forecasts (R38), state estimation (R39), optimal power flow (R40).

Each takes numbers, whoever made them, and gives findings. Sources of the limits: the project's reference on grid data,
sections 1.3, 4 and 6.2; those of R40 are answers of PYPOWER on the registered tables.
"""

from __future__ import annotations

import math
from types import MappingProxyType

from recloser.validation.findings import Finding, Gate, State

AC_OPF_USD_PER_H = MappingProxyType({"case14": 8081.53, "case30": 576.89, "case118": 129660.69})
DC_OPF_USD_PER_H = MappingProxyType({"case14": 7642.59, "case30": 565.21, "case118": 125947.87})
_COST_TOLERANCE = 1e-4
_BALANCE_MW = 1e-3
_CHI2_SIGMAS = 4.0
_LARGEST_NORMALISED = 4.0


def check_forecast(
    *, companion_root: float, mape_pct: float | None = None, persistence_mape_pct: float | None = None
) -> tuple[Finding, ...]:
    """Judge a forecaster (R38).

    Args:
        companion_root: The largest root of its companion matrix; from 1 on, forecasts grow without end.
        mape_pct: Its mean absolute error, percent; None where nobody knows what came.
        persistence_mape_pct: That of taking the last value as the forecast, percent.
    """
    dies_out = _finding(
        "R38", "forecasts die out", Gate.WARNING, companion_root, most=1.0, unit="companion root", strict=True
    )
    if mape_pct is None or persistence_mape_pct is None:
        return (dies_out,)
    title = "forecasts are no worse than the last value"
    return dies_out, _finding("R38", title, Gate.WARNING, mape_pct, most=persistence_mape_pct, unit="%")


def check_estimation(*, objective: float, degrees_of_freedom: int, largest_normalised: float) -> tuple[Finding, ...]:
    """Judge a state estimation (R39).

    Args:
        objective: The weighted sum of squared residuals, J.
        degrees_of_freedom: Measurements less states.
        largest_normalised: The largest normalised residual.
    """
    # J is chi-squared: its mean is the degrees of freedom, its variance twice that.
    off = (
        abs(objective - degrees_of_freedom) / math.sqrt(2 * degrees_of_freedom) if degrees_of_freedom > 0 else math.nan
    )
    return (
        _finding(
            "R39", "residuals are as large as the noise", Gate.WARNING, off, most=_CHI2_SIGMAS, unit="deviations of J"
        ),
        _finding(
            "R39",
            "no measurement stands out",
            Gate.WARNING,
            largest_normalised,
            most=_LARGEST_NORMALISED,
            unit="deviations",
        ),
    )


def check_opf(
    case: str, *, ac_cost: float | None = None, dc_cost: float | None = None, balance_mw: float | None = None
) -> tuple[Finding, ...]:
    """Judge an optimal power flow at base load and registered costs (R40).

    Args:
        case: A registered network.
        ac_cost: Cost of the AC solution, $/h.
        dc_cost: Cost of the DC solution, $/h.
        balance_mw: Production less load and losses, MW.

    Raises:
        KeyError: No answer is known of that network.
    """
    given = (("AC", ac_cost, AC_OPF_USD_PER_H[case]), ("DC", dc_cost, DC_OPF_USD_PER_H[case]))
    findings = [
        _finding(
            "R40",
            f"the {kind} cost is the known {known}",
            Gate.CRITICAL,
            abs(cost / known - 1),
            most=_COST_TOLERANCE,
            unit="of it",
        )
        for kind, cost, known in given
        if cost is not None
    ]
    if ac_cost is not None and dc_cost is not None:
        above = dc_cost - ac_cost
        findings.append(
            _finding("R40", "losses cost something: AC is not below DC", Gate.CRITICAL, above, most=0.0, unit="$/h")
        )
    if balance_mw is not None:
        balanced = abs(balance_mw)
        findings.append(
            _finding("R40", "production meets load and losses", Gate.CRITICAL, balanced, most=_BALANCE_MW, unit="MW")
        )
    return tuple(findings)


def _finding(
    rule: str, title: str, gate: Gate, found: float, *, most: float, unit: str, strict: bool = False
) -> Finding:
    holds = math.isfinite(found) and (found < most if strict else found <= most)
    bound = "below" if strict else "at most"
    return Finding(
        rule=rule,
        title=title,
        gate=gate,
        state=State.PASSED if holds else State.FAILED,
        message="" if holds else f"{found:.6g} {unit}; it must be {bound} {most:.6g}",
        count=int(not holds),
        of=1,
        worst=found if math.isfinite(found) else None,
        unit=unit,
    )
