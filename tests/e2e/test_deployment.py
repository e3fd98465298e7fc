"""The deployment of prefect.yaml on a real Prefect server, run by a real process worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import psutil
import pytest

from recloser.nightly import NightNarrator, open_night
from recloser.settings import load_settings
from recloser.store import Store
from recloser.values import CycleVerdict, Verdict
from tests.integration.nightly.conftest import WEB, free_port, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from selenium.webdriver import Chrome

    from tests.e2e.conftest import Optimo

T = TypeVar("T")
pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
PREFECT, RECLOSER = (str(Path(sys.executable).parent / name) for name in ("prefect", "recloser"))
_HELD = """
name = "held"

[services.api]
command = ["{python}", "-S", "WEB", "PORT"]
port = PORT

[suites.unit]
command = ["{python}", "-m", "pytest", "-p", "no:cacheprovider", "unit"]
needs = ["api"]
workers = 1
"""
_HOLDS = """
import pathlib, time

def test_first(): pass

def test_held():
    pathlib.Path("FOLDER/mark").touch()
    while pathlib.Path("FOLDER/hold").exists():
        time.sleep(0.02)

def test_last(): pass
"""


@contextmanager
def running(*command: str, environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """A server or worker in a session of its own, stopped by its own process id."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def prefect_variables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What leads a shell to a fresh Prefect server, to which everything is deployed as the README has it."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    variables = {"PREFECT_HOME": str(folder / "prefect"), "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
    variables |= {"PWD": str(ROOT), "DO_NOT_TRACK": "1"}
    # How often a worker asks for runs, and a run whether it is cancelled; both ten otherwise.
    variables |= {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    environment = without_prefect(os.environ) | variables
    command = (PREFECT, "server", "start", "--port", str(port))
    with running(*command, environment=environment, log=folder / "server.log"):
        wait_for(f"{variables['PREFECT_API_URL']}/health", folder / "server.log")
        deploy(environment)
        yield variables


@pytest.fixture
def server(optimo: Optimo, prefect_variables: dict[str, str]) -> dict[str, str]:
    """The environment of a shell that talks to the server, and to the AWS of the example."""
    return without_prefect(os.environ) | prefect_variables


def without_prefect(environment: Mapping[str, str]) -> dict[str, str]:
    """What the tests' own server has set is left out."""
    return {name: value for name, value in environment.items() if not name.startswith("PREFECT_")}


def wait_for(url: str, log: Path) -> None:
    """Ask until the server answers; the transport tries a refused connection again, later each time."""
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=9), timeout=30) as client:
            client.get(url).raise_for_status()
    except httpx.HTTPError as error:
        raise AssertionError(log.read_text()) from error


def prefect(*words: str, environment: Mapping[str, str]) -> str:
    """Run a prefect command as the README has it."""
    ended = subprocess.run(
        [PREFECT, "--no-prompt", *words], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def deploy(server: dict[str, str]) -> None:
    """Deploy as the README has it; what is due by itself is paused, lest a worker begin it in the middle of a test."""
    prefect("work-pool", "create", "local", "--type", "process", "--overwrite", environment=server)
    prefect("deploy", "--all", environment=server)
    deployments = f"{server['PREFECT_API_URL']}/deployments"
    # Each on a connection of its own: the server was seen to reset one that was used again.
    for deployed in httpx.post(f"{deployments}/filter", json={}).json():
        httpx.patch(f"{deployments}/{deployed['id']}", json={"paused": bool(deployed["schedules"])}).raise_for_status()


def runs_of(flow: str, client: httpx.Client, target: Path) -> list[dict[str, Any]]:
    """The runs of a flow on a target, and none of what is due at night."""
    found = client.post("/flow_runs/filter", json={"flows": {"name": {"any_": [flow]}}}).json()
    return [run for run in found if run["parameters"]["target"] == str(target)]


def state_of(run: dict[str, Any], client: httpx.Client) -> str:
    """The type of a run's state now."""
    return str(client.get(f"/flow_runs/{run['id']}").json()["state"]["type"])


def test_cancelled_runs_leave_nothing_running(optimo: Optimo, server: dict[str, str], tmp_path: Path) -> None:
    """The job of a heal is stopped, as its incident says; so are services and suites of a night, which can go on."""
    optimo.declare("poll_s = 0.5", "poll_s = 0.2")
    never_ends(optimo)
    held = held_target(tmp_path)
    worker = (PREFECT, "worker", "start", "--pool", "local", "--type", "process")
    with running(*worker, environment=server, log=tmp_path / "worker.log"):
        prefect("deployment", "run", "nightly/nightly", "-p", f"target={held}", environment=server)
        prefect("deployment", "run", "heal/heal", "-p", f"target={optimo.folder}", environment=server)
        with httpx.Client(base_url=server["PREFECT_API_URL"]) as client:
            running_job = until(optimo.running_job)
            until((tmp_path / "mark").exists)  # the suite of the night runs as well
            (heal,), (night,) = runs_of("heal", client, optimo.folder), runs_of("nightly", client, held)
            for run in (heal, night):
                prefect("flow-run", "cancel", run["id"], environment=server)
            until(lambda: {state_of(run, client) for run in (heal, night)} == {"CANCELLED"})
    (incident,) = optimo.incidents()
    assert incident.verdict is Verdict.CANCELLED
    assert running_job in incident.reason
    (job,) = optimo.sandbox.client("batch").describe_jobs(jobs=[running_job])["jobs"]
    assert (job["status"], job["isTerminated"]) == ("FAILED", True)
    assert [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] == str(held)] == []
    (tmp_path / "hold").unlink()
    assert_it_goes_on(held)


def never_ends(optimo: Optimo) -> None:
    """Let the job work on and on, and say so."""
    batch: Any = optimo.sandbox.client("batch")
    healthy = batch.describe_job_definitions(jobDefinitionName="optimo", status="ACTIVE")["jobDefinitions"][0]
    container = healthy["containerProperties"]
    container["command"] = ["python", "-c", "import time\nwhile True: time.sleep(print('at work', flush=True) or 1)"]
    batch.register_job_definition(jobDefinitionName="optimo", type="container", containerProperties=container)


def held_target(folder: Path) -> Path:
    """A target whose only suite runs until it is let go."""
    held = folder / "held"
    (held / "unit").mkdir(parents=True)
    (folder / "hold").touch()
    (held / "recloser.toml").write_text(_HELD.replace("WEB", str(WEB)).replace("PORT", str(free_port())))
    (held / "unit" / "test_unit.py").write_text(_HOLDS.replace("FOLDER", str(folder)))
    return held


def assert_it_goes_on(target: Path) -> None:
    """A night that was cancelled has no verdict; the next one gives it one, and no test is there twice."""
    settings = load_settings()
    with Store.open(settings.database_url) as store:
        (left,) = store.history.cycles("held")
        with open_night(str(target), store, settings, NightNarrator()) as night:
            report = whole(night)
            attempts = [(attempt.test_id, attempt.number) for run in night.suite_runs for attempt in run.attempts]
    assert (left.verdict, left.cycle_id) == (None, report.cycle.cycle_id)
    assert report.cycle.verdict is CycleVerdict.GREEN, report.cycle.reason
    assert attempts == [(f"unit/test_unit.py::test_{name}", 1) for name in ("first", "held", "last")]


def until(happened: Callable[[], T]) -> T:
    """Ask until the answer is yes."""
    deadline = time.monotonic() + 90
    while not (answer := happened()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return answer


def test_the_deployment_heals_a_job_through_a_worker(optimo: Optimo, server: dict[str, str], tmp_path: Path) -> None:
    """Deployed, picked up, healed; verdict and artifacts are on the server."""
    optimo.inject("missing-environment")
    worker = (PREFECT, "worker", "start", "--pool", "local", "--type", "process")
    with running(*worker, environment=server, log=tmp_path / "worker.log"):
        parameters = ("-p", f"target={optimo.folder}", "-p", "iterations=3")
        prefect("deployment", "run", "heal/heal", *parameters, "--watch", environment=server)
    with httpx.Client(base_url=server["PREFECT_API_URL"]) as client:
        deployed = client.post("/deployments/filter", json={}).json()
        stories = ("heal", "heal_fleet", "heartbeat", "nightly", "review", "weekly")
        assert {one["entrypoint"] for one in deployed} == {f"flows/{name}.py:{name}" for name in stories}
        (run,) = runs_of("heal", client, optimo.folder)
        of_run = {"flow_runs": {"id": {"any_": [run["id"]]}}}
        artifacts = client.post("/artifacts/filter", json=of_run).json()
        tasks = client.post("/task_runs/filter", json=of_run | {"sort": "EXPECTED_START_TIME_ASC"}).json()
    assert (run["state"]["type"], run["state"]["name"]) == ("COMPLETED", "Healed")
    # A run that is paused for a person cannot renew a lease: Prefect would kill it after four minutes.
    assert run["state"]["state_details"]["deployment_concurrency_lease_id"] is None
    shown = {artifact["key"]: artifact["data"] for artifact in artifacts}
    assert set(shown) == {"incident", "attempts", "changes", "money", "remedy-record", "heal-progress"}
    assert "OPTIMO_OUTPUT_DIR" in shown["incident"]
    named = [task["name"] for task in tasks]
    assert [name for name in named if name.startswith("submit")] == ["submit optimo #1", "submit optimo #2"]
    assert [name for name in named if name.startswith("watch")] == ["watch optimo #1", "watch optimo #2"]


def test_the_ui_shows_a_night(prefect_variables: dict[str, str], browser: Chrome, tmp_path: Path) -> None:
    """Its state and how many tasks it had on the page of the run, and what it has published on those of artifacts."""
    target = held_target(tmp_path)
    (tmp_path / "hold").unlink()
    homes = {"RECLOSER_HOME": str(tmp_path / "home")}
    environment = without_prefect(os.environ) | prefect_variables | homes
    subprocess.run([RECLOSER, "nightly", str(target)], env=environment, cwd=tmp_path, check=True, capture_output=True)
    api = prefect_variables["PREFECT_API_URL"]
    with httpx.Client(base_url=api) as client:
        (run,) = runs_of("nightly", client, target)
        artifacts = client.post("/artifacts/latest/filter", json={}).json()
    ui = api.removesuffix("/api")
    read(browser, f"{ui}/runs/flow-run/{run['id']}", f"nightly {target}", "Green", "10 Task runs")
    published = {artifact["key"]: f"{ui}/artifacts/artifact/{artifact['latest_id']}" for artifact in artifacts}
    read(browser, published["nightly"], "2 parts judged, all passed")
    read(browser, published["nightly-suites"], "unit", "✓ passed")
    read(browser, published["nightly-page"], "the page of this night")
    browser.get("about:blank")  # it asks the server again and again, as long as it is shown


def read(browser: Chrome, page: str, *words: str) -> None:
    """Open a page that draws itself bit by bit, and wait until all of this can be read on it."""
    browser.get(page)
    until(lambda: all(word in browser.find_element("tag name", "body").text for word in words))
