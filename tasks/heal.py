"""The steps of the heal loop as Prefect tasks: which errors are retried, what is cached (nothing), what is shown.

Every task here acts or observes, so none may be answered from a cache: a resubmission that came from the cache
would submit nothing. They are called directly, in the flow's main thread, where a cancellation reaches them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from prefect import Task, task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from recloser.aws import AwsError, connect
from recloser.healing import Healing, PlannedChange, open_healing, prepare
from recloser.report import (
    ReportFiles,
    attempt_rows,
    change_rows,
    fleet_rows,
    money_rows,
    render_markdown,
    write_incident,
    write_missing,
)
from recloser.settings import load_settings
from recloser.store import Store
from recloser.target import Target, load_target
from recloser.values import Diagnosis, Evidence, FixMode, JobSnapshot
from tasks.narration import narrator

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.schemas.objects import State, TaskRun


def is_transient(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Retry what AWS may answer better a moment later: throttling, an unreachable endpoint, a fault of its own."""
    del task, run
    try:
        state.result()
    except AwsError as error:
        return error.is_transient
    except Exception:  # noqa: BLE001 - any other failure is not transient, whatever it is
        return False
    return False


_LATEST = 20
"""How many of a target's newest incidents are looked through for a report that was never written."""
PATIENT: dict[str, Any] = {
    "cache_policy": NO_CACHE,
    "retries": 4,
    "retry_delay_seconds": exponential_backoff(2),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": is_transient,
}


def write_owed(target: Target, store: Store) -> None:
    """Write the reports of a target's incidents that were closed by a process which died before it could."""
    latest = store.incidents(target=target.name, limit=_LATEST)
    for files in write_missing(latest, load_settings().home / "incidents"):
        narrator().owed(files.markdown)


@task(name="begin", task_run_name="begin {target}", **PATIENT)
def begin(
    target: str,
    *,
    store: Store,
    iterations: int,
    fix_mode: FixMode,
    use_test_data: bool,
    minimise: bool,
    run_id: str,
) -> Healing:
    """Read the declaration, check the account against it, open the incident.

    An incident that was closed by a process that died before it wrote the report gets its report first.
    """
    declared = load_target(target)
    write_owed(declared, store)
    site = prepare(declared, connect(load_settings()))
    return open_healing(
        site,
        store,
        narrator(),
        iterations=iterations,
        fix_mode=fix_mode,
        use_test_data=use_test_data,
        minimise=minimise,
        run_id=run_id,
    )


@task(name="submit", task_run_name="submit {healing.next_label}", **PATIENT)
def submit(healing: Healing) -> str:
    """Submit the next attempt."""
    return healing.submit()


@task(name="watch", task_run_name="watch {healing.label}", **PATIENT)
def watch(healing: Healing) -> JobSnapshot:
    """Wait for the attempt to end."""
    return healing.watch()


@task(name="collect", task_run_name="collect {healing.label}", **PATIENT)
def collect(healing: Healing, job: JobSnapshot) -> Evidence:
    """Gather the evidence."""
    return healing.collect(job)


@task(name="diagnose", task_run_name="diagnose {healing.label}", **PATIENT)
def diagnose(healing: Healing, evidence: Evidence) -> Diagnosis:
    """Name the cause."""
    return healing.diagnose(evidence)


@task(name="try without", task_run_name="without a change of {healing.label}?", **PATIENT)
def try_without(healing: Healing) -> bool:
    """Prepare the next run without a change that may not be needed."""
    return healing.try_without()


@task(name="judge", task_run_name="judge {healing.label}", **PATIENT)
def judge(healing: Healing, evidence: Evidence) -> None:
    """Keep the change or take it back."""
    healing.judge(evidence)


@task(name="plan", task_run_name="plan for {healing.label}", **PATIENT)
def plan(healing: Healing, evidence: Evidence, diagnosis: Diagnosis) -> PlannedChange | None:
    """Choose the next safe change."""
    return healing.plan(evidence, diagnosis)


@task(name="apply", task_run_name="apply {planned.record.remedy}", cache_policy=NO_CACHE)
def apply(healing: Healing, planned: PlannedChange) -> bool:
    """Apply and verify one change; it undoes itself when it fails, so it is never repeated blindly."""
    return healing.apply(planned)


@task(name="report", task_run_name="report {healing.label}", cache_policy=NO_CACHE)
def report(healing: Healing) -> ReportFiles:
    """Write the incident to disk and show it in the Prefect UI."""
    incident = healing.incident
    create_markdown_artifact(render_markdown(incident), key="incident", description=incident.reason[:200])
    create_table_artifact(attempt_rows(incident), key="attempts", description=f"attempts of {incident.incident_id}")
    create_table_artifact(change_rows(incident), key="changes", description=f"changes of {incident.incident_id}")
    create_table_artifact(money_rows(incident), key="money", description=f"cost of {incident.incident_id}")
    if incident.fleet is not None:
        create_table_artifact(fleet_rows(incident), key="fleet", description=f"jobs of {incident.incident_id}")
    return write_incident(incident, load_settings().home / "incidents")


class Progress:
    """The loop's progress bar in the Prefect UI: attempts made of those allowed."""

    def __init__(self, healing: Healing) -> None:
        """Show an empty bar."""
        self._healing = healing
        # Typed for async callers as well; called from synchronous code it gives the id itself.
        made = create_progress_artifact(0, key="heal-progress", description=healing.label)
        self._artifact = cast("UUID", made)

    def show(self) -> None:
        """Move the bar; a closed incident is done, however many attempts are left."""
        incident = self._healing.incident
        done = 1.0 if not self._healing.goes_on else len(incident.attempts) / incident.iterations
        update_progress_artifact(self._artifact, progress=min(done, 1.0) * 100)
