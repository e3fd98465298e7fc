"""What a step waits for: a suite whose service is down or whose data is bad has not failed, it was not verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.values import Judgement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recloser.target import Suite
    from recloser.values import DataRun, ServiceRun


def not_ready(services: Iterable[ServiceRun], name: str) -> str:
    """Why a service cannot be asked; empty where it can."""
    for run in services:
        if run.name == name and run.judgement is not Judgement.PASSED:
            return f"service {name} is not up: {run.reason}"
    return ""


def why_not(suite: Suite, services: Iterable[ServiceRun], data: Mapping[str, DataRun]) -> str:
    """Why a suite cannot be judged; empty where it can."""
    running = tuple(services)
    for service in suite.needs:
        if why := not_ready(running, service):
            return why
    for name in suite.data:
        judged = data.get(name)
        if judged is None:
            return f"data {name} was not judged"
        if judged.judgement is not Judgement.PASSED:
            return f"data {name} is not good: {judged.reason}"
    return ""
