"""Run some tests of a suite once more, in a way that tells more: confirmed, alone, in another order, at the base."""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from pydantic import SecretStr

from recloser.redaction import Redactor, secrets_of
from recloser.suites.attempts import Clerk
from recloser.suites.command import base_environment
from recloser.suites.launch import Plan, launch
from recloser.values import ProbeKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from recloser.target import Suite
    from recloser.values import Probe, TestAttempt

_ORDERS = {ProbeKind.SHUFFLED: "shuffled", ProbeKind.REVERSED: "reversed", ProbeKind.SAME: "same"}


def run_probe(
    probe: Probe,
    suite: Suite,
    folder: Path,
    *,
    first: int = 1,
    seed: int = 0,
    extra_environment: Mapping[str, str] | None = None,
    stop: Event | None = None,
    limit_s: float = math.inf,
) -> tuple[TestAttempt, ...]:
    """Run a probe to its end, each of its runs in one process.

    Args:
        probe: What is run, and how often.
        suite: The suite as declared.
        folder: Where the code lies that is tried: the target's own, or that of its base.
        first: Number of the first run among those of this kind.
        seed: Of the orders drawn; the same seed draws the same ones.
        extra_environment: Variables for the suite.
        stop: Ends the probe when it is set, from any thread.
        limit_s: How long it may take, where that is less than the time of the suite.

    Returns:
        Every attempt, named after the probe. Where a process could not be started, or died before its first test, or
        where the time was over, there are fewer.
    """
    environment = base_environment(suite, extra_environment or {})
    redact = Redactor(secrets_of({name: SecretStr(value) for name, value in environment.items()}))
    with tempfile.TemporaryDirectory(prefix="recloser-probe-", ignore_cleanup_errors=True) as scratch:
        plan = Plan(
            suite=suite,
            folder=folder.resolve(),
            scratch=Path(scratch),
            environment=environment,
            workers=1,
            deadline=time.monotonic() + min(suite.timeout_s, limit_s),
            again=True,
            stop=stop or Event(),
        )
        return tuple(_attempts(probe, plan, redact, first, seed))


def _attempts(probe: Probe, plan: Plan, redact: Redactor, first: int, seed: int) -> Iterator[TestAttempt]:
    for number in range(first, first + probe.runs):
        for place, piece in enumerate(_pieces(probe, plan, seed + number)):
            if plan.stop.is_set() or time.monotonic() >= plan.deadline:
                return
            launched = launch(piece, f"launch-{number}-{place}", lambda _tape: None)
            clerk = Clerk(probe.suite, plan.folder, redact)
            for attempt in clerk.attempts(launched.tape.ended, launched.cut_short or "the probe ended"):
                yield attempt.model_copy(update={"probe": str(probe.kind), "number": number})


def _pieces(probe: Probe, plan: Plan, seed: int) -> Iterator[Plan]:
    """What one run of a probe launches."""
    if probe.kind is ProbeKind.ISOLATED:
        yield from (plan.narrowed([test]) for test in probe.tests)
    elif order := _ORDERS.get(probe.kind):
        yield plan.arranged(order, seed)
    else:
        yield plan.narrowed(probe.tests)
