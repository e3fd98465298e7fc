"""The ground everything stands on: locks, deployments, a Prefect server that can be imported."""

import asyncio
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import load_flow_from_entrypoint
from prefect.server.schemas.schedules import CronSchedule as ServerCronSchedule

if TYPE_CHECKING:
    from prefect import Flow

ROOT = Path(__file__).parents[3]
LOCKS = ("requirements.lock", "recloser/sandbox/ministack.lock")
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
KNOWN = {
    "name",
    "entrypoint",
    "description",
    "tags",
    "work_pool",
    "schedules",
    "concurrency_limit",
    "parameters",
    "triggers",
}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_hashes_everything(lock: str) -> None:
    """Where packages come from is the machine's own business; what they are is ours."""
    text = (ROOT / lock).read_text()
    assert not re.search(r"index-url|find-links|https?://", text)
    requirements = re.split(r"\n(?=\S)", text.strip())
    pinned = [entry for entry in requirements if "==" in entry.splitlines()[0]]
    assert pinned
    for entry in pinned:
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_the_prefect_server_can_be_imported() -> None:
    """Prefect 3.8 dies at this import with too new a FastAPI; the lock holds a pair that works."""
    code = "import prefect.server.api.server"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def test_a_deployment_names_a_flow_that_accepts_its_parameters(deployment: dict[str, Any]) -> None:
    """Prefect ignores misspelt keys in silence; a typing error is found here, not at half past two."""
    assert set(deployment) <= KNOWN
    flow: Flow[..., Any] = load_flow_from_entrypoint(str(ROOT / deployment["entrypoint"]))
    flow.validate_parameters(deployment["parameters"])
    assert deployment["name"] == flow.name == Path(deployment["entrypoint"].split(":")[0]).stem.replace("_", "-")
    for schedule in deployment["schedules"] or ():
        assert schedule["slug"]
        CronSchedule.model_validate({name: value for name, value in schedule.items() if name != "slug"})


def test_the_night_is_due_at_two_and_never_twice_at_a_time() -> None:
    """What Prefect ignores in silence when it is misspelt: the hour, the name of the schedule, the limit."""
    (night,) = [deployment for deployment in DEPLOYMENTS if deployment["name"] == "nightly"]
    (schedule,) = night["schedules"]
    assert (schedule["cron"], schedule["timezone"]) == ("0 2 * * *", "Etc/UTC")
    limit = ConcurrencyLimitConfig.model_validate(night["concurrency_limit"])
    assert (limit.limit, limit.collision_strategy) == (1, ConcurrencyLimitStrategy.CANCEL_NEW)


@pytest.mark.parametrize(
    ("name", "due"),
    [
        ("heartbeat", [datetime(2026, 11, day, 8, tzinfo=UTC) for day in (1, 2, 3)]),
        ("weekly", [datetime(2026, 11, day, 5, 30, tzinfo=UTC) for day in (2, 9, 16)]),
        ("review", [datetime(2026, month, day, 6, tzinfo=UTC) for month, day in ((11, 2), (12, 7))]),
    ],
)
def test_what_looks_back_is_due_when_it_is_said_to_be(name: str, due: list[datetime]) -> None:
    """The heartbeat each day, the week on Mondays, the month on its first Monday and on no other of its first days."""
    (found,) = [deployment for deployment in DEPLOYMENTS if deployment["name"] == name]
    (schedule,) = found["schedules"]
    cron = ServerCronSchedule.model_validate({key: value for key, value in schedule.items() if key != "slug"})
    start = datetime(2026, 11, 1, tzinfo=UTC)
    assert asyncio.run(cron.get_dates(len(due), start=start)) == due


def test_no_file_names_a_machine() -> None:
    """No absolute path of whoever wrote it, no package index."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in tracked:
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        assert not re.search(r"(?<![\w./])/(home|Users|root|work)/\w", text), name
        assert not re.search(r"--(extra-)?index-url", text.replace("no-emit-index-url", "")), name
