"""Services, suites, data sets and thresholds: read as declared, or refused with one message."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.target import Service, System, Target, TargetError, Threshold, load_system, load_target
from recloser.target.services import start_order

API = "[services.api]\ncommand = ['serve']\nport = 5001\n"
PAGE = "[services.page]\ncommand = ['serve']\nport = 5002\nneeds = ['api']\n"
WORKER = "[services.worker]\ncommand = ['work']\n"
DATABASE = "[services.db]\npostgresql = true\n"
GRID = "[data.grid]\nrequest = { service = 'api', path = '/' }\nrules = 'grid'\n"
SUITE = "[suites.unit]\ncommand = ['test', '--out={junit}']\n"
TABLE = "[data.meters]\nfile = 'meters.csv'\ncolumns = { mw = { type = 'number', unit = 'MW', min = 0 } }\n"
JOB = "[job]\nqueue = 'q'\ndefinition = 'd'\nrole = 'r'\n"
EXAMPLE = Path("examples/gridmodel")


def read(folder: Path, text: str) -> System:
    """The system that this declares."""
    (folder / "recloser.toml").write_text(f"name = 'demo'\n{text}")
    return load_system(folder)


def test_the_example_is_declared() -> None:
    """A database, two services, five tiers, four data sets; each comes after what it needs."""
    system = load_system(EXAMPLE)
    assert system.start_order() == ("db", "api", "frontend")
    assert (system.services["api"].port, system.services["frontend"].port) == (5001, 60_000)
    assert set(system.suites) == {"unit", "integration", "e2e", "performance", "regression"}
    assert {name: data.rules for name, data in system.data.items()} == dict.fromkeys(
        ["small", "medium", "large", "reference"], "grid"
    )


@pytest.mark.parametrize("folder", [".", "examples/gridmodel", "examples/optimo"])
def test_every_suite_of_ours_has_its_tests(folder: str) -> None:
    """What is tested at night is there; a folder that was renamed is found here."""
    system = load_system(folder)
    assert system.suites
    for suite in system.suites.values():
        places = [word for word in suite.command if word.startswith(("tests", "examples"))]
        assert all((system.folder / place).is_dir() for place in places)


def test_every_threshold_of_the_example_is_of_a_figure_that_is_recorded() -> None:
    """A threshold of a figure nobody records would hold for ever."""
    source = (EXAMPLE / "tests/performance/test_figures.py").read_text()
    patterns = [re.sub(r"\{\w+\}", "[a-z-]+", figure) for figure in re.findall(r'record\(f?"([^"]+)"', source)]
    for name in load_system(EXAMPLE).thresholds:
        assert any(re.fullmatch(pattern, name) for pattern in patterns), name


def test_a_job_may_declare_them_as_well(tmp_path: Path) -> None:
    """Both ways to read it lead to the same target."""
    system = read(tmp_path, JOB + API + SUITE)
    assert isinstance(system, Target)
    assert system == load_target(tmp_path)
    assert system.services["api"].command == ("serve",)


@pytest.mark.parametrize(
    ("text", "test"),
    [
        (API, "http"),
        (API + "healthcheck = { retries = 5 }", "http"),
        (API + "healthcheck = { test = 'tcp' }", "tcp"),
        (WORKER + "healthcheck = { test = ['check', '--now'] }", ("check", "--now")),
        (WORKER + "healthcheck = { test = 'none' }", "none"),
        (DATABASE + "url_env = 'DATABASE_URL'", "postgresql"),
        (DATABASE + "port = 5432\nhealthcheck = { test = 'tcp' }", "tcp"),
    ],
)
def test_a_service_says_how_it_is_asked(tmp_path: Path, text: str, test: str | tuple[str, ...]) -> None:
    """By HTTP unless told otherwise; a database is asked in its own words."""
    (service,) = read(tmp_path, text).services.values()
    assert service.test == test


def test_a_system_without_a_job_is_no_target_to_heal(tmp_path: Path) -> None:
    """It says which table is missing."""
    read(tmp_path, API)
    with pytest.raises(TargetError, match="job: Field required"):
        load_target(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (API.replace("5001", "0"), "services.api.port"),
        (API.replace("['serve']", "'serve'"), "services.api.command"),
        (API.replace("['serve']", "[]"), "exactly one of `command` and `postgresql = true`"),
        (API + "postgresql = true", "exactly one of `command` and `postgresql = true`"),
        (API.replace("port = 5001", ""), "give the `port` it listens on"),
        (WORKER + "healthcheck = { test = 'udp' }", "services.worker.healthcheck.test"),
        (WORKER + "healthcheck = { test = [] }", "services.worker.healthcheck.test"),
        (WORKER + "healthcheck = { test = ['CMD', 'true'] }", "is an argument vector without 'CMD'"),
        (WORKER + "healthcheck = { test = 'tcp' }", "give the `port` it listens on"),
        (WORKER + "healthcheck = { test = ['true'] }\nexpect = { status = 'ok' }", "are asked by HTTP"),
        (WORKER + "healthcheck = { test = ['true'] }\nurl_env = 'URL'", "give the `port` it listens on"),
        (WORKER + "environment = { AT = 'localhost:{port}' }\nhealthcheck = { test = 'none' }", "is filled in with"),
        (WORKER + "healthcheck = { test = 'none', tries = 3 }", "services.worker.healthcheck.tries: Extra inputs"),
        (WORKER + "healthcheck = { test = 'none' }\n" + SUITE + "needs = ['worker']", "nobody can tell to be up"),
        (API + "url_env = 'A-B'", "services.api.url_env"),
        (API + "url_env = 'URL'\n" + PAGE + "url_env = 'URL'", "services.api and services.page both tell their URL in"),
        (DATABASE + "host = '0.0.0.0'", "a PostgreSQL of ours listens on 127.0.0.1"),
        (DATABASE + "port = 5432\n" + GRID.replace("api", "db"), "data.grid asks 'db', which declares no `port` that"),
        (API + "health = 'api/health'", "services.api.health"),
        (API + "colour = 'red'", "services.api.colour: Extra inputs are not permitted"),
        (API.replace("api", "A P I"), "not valid TOML"),
        (API.replace("services.api", "services.'A P I'"), "services.A P I"),
        (PAGE, "services.page needs 'api', which is not among the services"),
        (API + "needs = ['page']\n" + PAGE, "in a circle: "),
        (API + PAGE.replace("5002", "5001"), "services.api and services.page both listen on 127.0.0.1:5001"),
        (SUITE.replace("{junit}", "x.xml"), "the command has to name {junit}"),
        (SUITE + "needs = ['api']", "suites.unit needs 'api', which is not among the services"),
        (TABLE.replace("meters.csv'", "meters.csv'\nrequest = { service = 'api', path = '/' }"), "exactly one of"),
        ("[data.meters]\nrules = 'grid'", "exactly one of"),
        ("[data.meters]\nfile = 'meters.csv'", "needs `columns`"),
        ("[data.meters]\nrequest = { service = 'api', path = '/' }\nrules = 'grid'", "data.meters needs 'api'"),
        (TABLE + "key = ['meter']", "`key` names 'meter', which is not among the columns"),
        (TABLE.replace("'number'", "'text'"), "a column of type text has neither `min` nor `max`"),
        (TABLE.replace("'number'", "'decimal'"), "data.meters.columns.mw.type"),
        ("[thresholds]\nx = {}", "give `min`, `max` or both"),
        ("[thresholds]\nx = { min = 2, max = 1 }", "`min` is above `max`"),
        ("[thresholds]\nx = { max = nan }", "thresholds.x.max"),
        ("[thresholds]\nx = 5", "thresholds.x"),
    ],
)
def test_a_bad_declaration_is_one_message(tmp_path: Path, text: str, said: str) -> None:
    """It names the file, the key and what was expected."""
    with pytest.raises(TargetError, match=r"recloser\.toml") as caught:
        read(tmp_path, text)
    assert said in str(caught.value)


@given(
    st.dictionaries(
        st.sampled_from("abcdefgh"), st.frozensets(st.sampled_from("abcdefgh"), max_size=3), min_size=1, max_size=8
    )
)
def test_every_service_starts_after_those_it_needs_or_none_does(needs: dict[str, frozenset[str]]) -> None:
    """Any graph is either put in order whole, or refused with a reason."""
    services = {
        name: Service(command=("serve",), port=5000 + at, needs=tuple(sorted(wanted)))
        for at, (name, wanted) in enumerate(needs.items())
    }
    try:
        order = start_order(services)
    except ValueError as error:
        assert "not among the services" in str(error) or "in a circle" in str(error)  # noqa: PT017 - either is right
        return
    assert sorted(order) == sorted(needs)
    for name, wanted in needs.items():
        assert all(order.index(other) < order.index(name) for other in wanted)


@pytest.mark.parametrize(
    ("threshold", "value", "held"),
    [
        (Threshold(max=5), 5, True),
        (Threshold(max=5), 5.1, False),
        (Threshold(min=5), 4.9, False),
        (Threshold(min=1, max=5), 3, True),
        (Threshold(max=5), -math.inf, True),
        (Threshold(max=5), math.nan, False),
        (Threshold(min=5), math.nan, False),
    ],
)
def test_a_threshold_holds_inside_its_limits(*, threshold: Threshold, value: float, held: bool) -> None:
    """The limits themselves are inside; what is not a number is not."""
    assert threshold.holds(value) is held
