"""What a service answers about models of a grid, judged by R38 to R40: a forecast, a state estimation, a dispatch.

The fields are those of the reference's service (grid data, section 4). What an answer cannot show is not claimed: the
error of a forecast is judged only where someone knows what came.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from recloser.grid import load_network, registered_cases
from recloser.validation.findings import Finding, Gate, Report, State
from recloser.validation.models import check_estimation, check_forecast, check_opf
from recloser.values import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Model = Literal["forecast", "estimation", "dispatch"]
MODELS: tuple[str, ...] = get_args(Model)
_REGISTERED_COSTS = "quadratic"


def check_answer(name: str, model: Model, document: object, request: Mapping[str, Any]) -> Report:
    """Judge what a service answered about a model.

    Args:
        name: What the answer is called.
        model: What it is an answer of.
        document: The answer, parsed.
        request: What was asked for: for a dispatch `n_buses`, `load_scale` and `costs`.
    """
    started = time.perf_counter()
    try:
        findings = _JUDGES[model](_Fields(document), request)
    except _MissingError as missing:
        findings = (_broken(str(missing)),)
    return Report(
        subject=name,
        kind=f"answer of a service: {model}",
        created_utc=utc_now(),
        facts={},
        findings=findings,
        judges=("numpy",),
        duration_s=round(time.perf_counter() - started, 3),
    )


class _MissingError(Exception):
    """The answer lacks a number; the message says which."""


class _Fields:
    """The numbers of an answer, whatever it is."""

    def __init__(self, document: object) -> None:
        self._document = document if isinstance(document, dict) else {}

    def number(self, name: str) -> float:
        """A field that must hold a number; one that is none at all is NaN, which no rule lets pass."""
        if name not in self._document:
            raise _MissingError(f"the answer has no {name}")
        value = self._document[name]
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan

    def total(self, name: str) -> float:
        """The sum of a list of numbers."""
        if name not in self._document:
            raise _MissingError(f"the answer has no {name}")
        try:
            return float(np.asarray(self._document[name], dtype=float).sum())
        except (TypeError, ValueError):
            return math.nan


def _forecast(answer: _Fields, request: Mapping[str, Any]) -> tuple[Finding, ...]:
    del request
    return check_forecast(companion_root=answer.number("companion_root"))


def _estimation(answer: _Fields, request: Mapping[str, Any]) -> tuple[Finding, ...]:
    del request
    freedom = answer.number("dof")
    return check_estimation(
        objective=answer.number("objective"),
        degrees_of_freedom=int(freedom) if math.isfinite(freedom) else 0,
        largest_normalised=answer.number("largest_normalised_residual"),
    )


def _dispatch(answer: _Fields, request: Mapping[str, Any]) -> tuple[Finding, ...]:
    """A lossless dispatch: production meets the load, and at base load and registered costs its cost is known."""
    cases = {load_network(case).n_buses: case for case in registered_cases()}
    case = cases.get(request.get("n_buses", 0))
    if case is None:
        raise _MissingError(f"no network of {request.get('n_buses')} buses is registered to judge it by")
    known = request.get("load_scale", 1) == 1 and request.get("costs") == _REGISTERED_COSTS
    return check_opf(
        case,
        dc_cost=answer.number("cost") if known else None,
        balance_mw=answer.total("pg_mw") - answer.number("load_mw"),
    )


def _broken(said: str) -> Finding:
    return Finding(
        rule="R36",
        title="the answer keeps its contract",
        gate=Gate.CRITICAL,
        state=State.FAILED,
        message=said,
        count=1,
        of=1,
    )


_JUDGES: dict[str, Callable[[_Fields, Mapping[str, Any]], tuple[Finding, ...]]] = {
    "forecast": _forecast,
    "estimation": _estimation,
    "dispatch": _dispatch,
}
