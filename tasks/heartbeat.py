"""The heartbeat as Prefect tasks: the check is tried again where the store is busy, the sending never holds it up."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from recloser.nightly.heartbeat import check_heartbeat, send_waiting
from recloser.notify import Receivers
from recloser.store import Store
from recloser.target import System
from recloser.values import DeliveryState, Finding, utc_now


@task(name="check heartbeat", cache_policy=NO_CACHE, retries=2, retry_delay_seconds=30)
def check(system: System, store: Store, receivers: Receivers) -> Finding | None:
    """Write down what is missing, for whoever has to be told."""
    return check_heartbeat(system, store, receivers, utc_now())


@task(name="send", cache_policy=NO_CACHE)
def send(system: System, store: Store, receivers: Receivers) -> None:
    """Send what waits; what cannot be sent is in the log, and waits on."""
    drained = send_waiting(system, store, receivers)
    log = get_run_logger()
    for name, counts in drained.counts.items():
        log.info("%s: %s delivered", name, counts[DeliveryState.DELIVERED])
        if counts[DeliveryState.DEAD]:
            log.warning("%s: %s refused for good", name, counts[DeliveryState.DEAD])
    for name, count in drained.waiting.items():
        log.warning("%s: %s wait", name, count)
    for name in drained.stuck:
        log.warning("%s: did not come back within the time limit", name)
    for name, why in (drained.broken | receivers.missing).items():
        log.warning("%s: %s", name, why)
