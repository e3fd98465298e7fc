"""The loop without Prefect, in `auto`: what `flows/heal.py` does, for scripts, tests and measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recloser.healing.session import Healing
    from recloser.values import Diagnosis, Evidence, Incident


def until_settled(healing: Healing) -> Incident:
    """One attempt after the other until one succeeds or nothing safe is left.

    Raises:
        RecloserError: The healing cannot go on; it can be resumed.
    """
    while healing.goes_on:
        healing.submit()
        evidence = healing.collect(healing.watch())
        if healing.goes_on:
            _treat(healing, evidence, healing.diagnose(evidence))
    return healing.incident


def until_minimal(healing: Healing) -> Incident:
    """One run without each change, until none is left that the job can do without; only where that was asked for.

    Raises:
        RecloserError: The search cannot go on; it can be resumed.
    """
    while healing.try_without():
        healing.submit()
        healing.judge(healing.collect(healing.watch()))
    return healing.incident


def _treat(healing: Healing, evidence: Evidence, diagnosis: Diagnosis) -> None:
    while healing.goes_on:
        planned = healing.plan(evidence, diagnosis)
        if planned and healing.apply(planned):
            return
