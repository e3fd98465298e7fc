"""Test a whole system in one night: services, data, suites, comparison, one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.futures import wait
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from recloser.settings import load_settings
from recloser.store import Store
from recloser.suites import cpus
from recloser.values import CycleVerdict
from tasks.nightly import (
    begin,
    close,
    judge_data,
    publish,
    run_suite,
    send,
    show_progress,
    start_services,
    stop_services,
    tidy,
    triage,
    write_page,
)

if TYPE_CHECKING:
    from prefect.futures import PrefectFuture
    from prefect.task_runners import TaskRunner

    from recloser.nightly import Night
    from recloser.values import CycleReport


_RUNNER = cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=max(2, cpus())))
"""More suites at a time than processors would only make each of their tests slower."""

_GRACE_S = 15.0
"""A worker kills a cancelled run after thirty."""


@flow(name="nightly", flow_run_name="nightly {target}", task_runner=_RUNNER)
def nightly(target: str) -> State[Any]:
    """Test everything that a target declares.

    Args:
        target: Folder that holds `recloser.toml`, or the file itself.

    Returns:
        `Green`, or a failed state named after the verdict; the message is the reason.
    """
    with (
        Store.open(load_settings().database_url) as store,
        begin(target, store=store, run_id=str(flow_run.id or "")) as night,
    ):
        show_progress(night)
        start_services(night)
        for name in night.system.data:
            judge_data(night, name)
        run_suites(night)
        triage(night)
        stop_services(night)
        told = send(night, close(night))
        # The verdict stands, whatever becomes of its page and of what is old.
        write_page(night, told, return_state=True)
        publish(night, told, return_state=True)
        tidy(store, return_state=True)
        return verdict_state(told)


def run_suites(night: Night) -> None:
    """As many at a time as the machine has room for; those that measure time run by themselves, after the others."""
    for names in night.batches:
        runs = [run_suite.submit(night, name) for name in names]
        try:
            for run in runs:
                run.wait()
        except BaseException:  # a cancellation reaches this thread only: the others are told by the night
            night.interrupt()
            wait(runs, timeout=_GRACE_S)  # what has run by then is kept
            raise
        for run in runs:
            run.result()  # what no suite can do wrong: a store that is gone, a disk that is full


def verdict_state(told: CycleReport) -> State[Any]:
    """The flow run's final state: its type is what alerts and exit codes read, its name is the verdict."""
    verdict, reason = told.cycle.verdict or CycleVerdict.NOT_VERIFIED, told.cycle.reason
    name = "".join(word.capitalize() for word in verdict.split("-"))
    if verdict is CycleVerdict.GREEN:
        return Completed(name=name, message=reason)
    return Failed(name=name, message=reason)
