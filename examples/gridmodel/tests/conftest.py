"""The tiers and the running processes that the suites share.

A test's tier is its folder: `pytest -m unit` runs `tests/unit`. These suites run alone (`pytest` in this example's
folder) and as a part of the repository's.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1]
TIERS = {
    "unit": "one part, in this process",
    "integration": "the service as a process, over its socket",
    "e2e": "the page in a browser, on the service",
    "performance": "measures and records, asserts no times; runs only when asked for",
    "regression": "figures that must stay as they are",
}
START_S = 60
ADMIN_TOKEN = "only-for-tests"

# As the service does: other suites may share these cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(EXAMPLE))  # the service is run from its folder, not installed


def pytest_configure(config):
    """Register the tiers, for whichever configuration file the run has."""
    for tier, meaning in TIERS.items():
        config.addinivalue_line("markers", f"{tier}: {meaning}")


def pytest_collection_modifyitems(config, items):
    """Mark each test with its folder; leave the measurements out unless they are asked for by name."""
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    for item in ours:
        item.add_marker(item.path.relative_to(here).parts[0])
    if "performance" not in config.getoption("markexpr"):
        measurements = [item for item in ours if item.get_closest_marker("performance")]
        items[:] = [item for item in items if item not in measurements]
        config.hook.pytest_deselected(items=measurements)


class Client:
    """JSON over HTTP; gives status and body, whatever the status is."""

    def __init__(self, url):
        self.url = url

    def get(self, path):
        return self.send("GET", path)

    def post(self, path, body, **headers):
        return self.send("POST", path, json.dumps(body).encode(), headers)

    def broken(self, path, body, faults):
        """Post with faults, as an administrator may."""
        return self.post(path, body, **{"X-Gridmodel-Faults": faults, "X-Gridmodel-Token": ADMIN_TOKEN})

    def send(self, method, path, data=None, headers=None):
        request = urllib.request.Request(self.url + path, data, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.loads(refusal.read())


def environment(**variables):
    """What a process of the example is started with: nothing of the tests' own settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {"GRIDMODEL_PORT": "0", "GRIDMODEL_FRONTEND_PORT": "0"} | variables


@contextmanager
def running(module, log, **variables):
    """A process of the example that listens; gives its address and the process."""
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=EXAMPLE,
            env=environment(**variables),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            said = process.stdout.readline()
            assert "listens on" in said, f"{module} did not start: {log.read_text()}"
            yield said.split()[-1], process
        finally:
            process.terminate()
            process.wait(timeout=START_S)


@pytest.fixture
def run_to_the_end():
    """Start the service where it cannot run; gives the finished process."""

    def run(**variables):
        return subprocess.run(
            [sys.executable, "-m", "gridmodel"],
            cwd=EXAMPLE,
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )

    return run


@pytest.fixture
def start(tmp_path):
    """Start a service of one's own: `with start(GRIDMODEL_FAULTS="nan") as (client, process)`."""

    @contextmanager
    def start(**variables):
        with running("gridmodel", tmp_path / "service.log", **variables) as (url, process):
            yield Client(url), process

    return start


@pytest.fixture
def start_page(tmp_path):
    """Start a page's server of one's own: `with start_page(GRIDMODEL_API_URL=…) as (url, process)`."""
    return lambda **variables: running("gridmodel.frontend", tmp_path / "frontend.log", **variables)


@pytest.fixture(scope="session")
def breakable(tmp_path_factory):
    """A service that the session shares; administrators may break single requests of it."""
    log = tmp_path_factory.mktemp("service") / "log"
    with running("gridmodel", log, GRIDMODEL_ADMIN_TOKEN=ADMIN_TOKEN) as (url, _):
        yield Client(url)


@pytest.fixture(scope="session")
def service(request):
    """The service under test: the one at GRIDMODEL_API_URL, or one of the session's own."""
    if url := os.environ.get("GRIDMODEL_API_URL"):
        return Client(url.rstrip("/"))
    return request.getfixturevalue("breakable")


@pytest.fixture(scope="session")
def page(request, tmp_path_factory):
    """Address of the page: GRIDMODEL_PAGE_URL, or a process of the session's own."""
    if url := os.environ.get("GRIDMODEL_PAGE_URL"):
        yield url.rstrip("/")
        return
    log = tmp_path_factory.mktemp("frontend") / "log"
    service = request.getfixturevalue("service")
    with running("gridmodel.frontend", log, GRIDMODEL_API_URL=service.url) as (url, _):
        yield url


@pytest.fixture
def wait_until():
    """Poll until something is true; fails when it never is."""

    def wait_until(condition, timeout_s=30):
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.05)

    return wait_until
