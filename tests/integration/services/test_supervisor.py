"""Services up, judged and down: on real processes, through the door."""

from __future__ import annotations

import signal

import psutil
import pytest

from recloser.processes import identity, is_alive
from recloser.services import ServicesError
from recloser.target import Healthcheck, Service
from recloser.values import Judgement
from tests.integration.services.conftest import Bench, ask, eventually, free_port, result


def test_services_are_up_in_order_and_gone_at_the_end(bench: Bench) -> None:
    """Who needs another is told its URL, sees nothing else of ours, and a second stop does no harm."""
    store = bench.web(url_env="STORE_URL")
    api = bench.web(needs=("store",), environment={"MODE": "test"}, inherit=("SECRET", "ABSENT"))
    supervisor = bench.supervisor(
        bench.system(api=api, store=store), ambient={"SECRET": "hush-hush", "OTHER": "1", "PATH": "/bin"}
    )
    supervisor.start()
    assert supervisor.ready("api")
    assert supervisor.ready("store")
    seen = ask(api)["environment"]
    assert (seen["STORE_URL"], seen["MODE"], seen["SECRET"]) == (f"http://127.0.0.1:{store.port}", "test", "hush-hush")
    assert not {"OTHER", "ABSENT"} & set(seen)
    assert supervisor.environment(["store"]) == {"STORE_URL": f"http://127.0.0.1:{store.port}"}
    assert supervisor.environment(["api"]) == {}
    found = [identity(ask(service)["pid"]) for service in (api, store)]
    supervisor.stop()
    supervisor.stop()
    assert not any(is_alive(process) for process in found if process)
    assert [(run.name, run.judgement, run.restarts) for run in supervisor.results()] == [
        ("store", Judgement.PASSED, 0),
        ("api", Judgement.PASSED, 0),
    ]
    assert all(run.ready_s and run.probes and not run.adopted for run in supervisor.results())
    assert not supervisor.ready("api")


def test_only_what_is_asked_for_and_needed_is_started(bench: Bench) -> None:
    """A name that is not declared starts nothing; after the stop nothing starts."""
    services = {"store": bench.web(), "api": bench.web(needs=("store",)), "page": bench.web()}
    supervisor = bench.supervisor(bench.system(**services))
    with pytest.raises(ServicesError, match="declares no service 'pgae'; there are: store, api, page"):
        supervisor.start(["api", "pgae"])
    assert supervisor.results() == ()
    supervisor.start(["api"])
    assert [run.name for run in supervisor.results()] == ["store", "api"]
    supervisor.start(["page"])
    assert supervisor.ready("page")
    supervisor.stop()
    with pytest.raises(ServicesError, match="were stopped"):
        supervisor.start(["page"])


def test_a_home_that_cannot_be_made_is_told(bench: Bench) -> None:
    """Before anything is started."""
    (bench.folder / "home").write_text("in the way")
    with pytest.raises(ServicesError, match="home/services/demo cannot be made: Not a directory"):
        bench.run(api=bench.web())


def test_a_crash_is_noticed_and_started_again(bench: Bench) -> None:
    """The result says how often, why, and that it was down."""
    api = bench.web()
    supervisor = bench.run(api=api)
    psutil.Process(ask(api)["pid"]).kill()
    eventually(lambda: result(supervisor, "api").restarts == 1 and supervisor.ready("api"))
    ask(api)
    run = result(supervisor, "api")
    assert (run.judgement, run.reason) == (Judgement.PASSED, "it was ended by SIGKILL")
    assert run.down_s > 0


def test_a_service_that_hangs_is_killed_and_started_again(bench: Bench) -> None:
    """It holds its port and takes connections, but does nothing."""
    api = bench.web()
    supervisor = bench.run(api=api)
    stopped = psutil.Process(ask(api)["pid"])
    stopped.suspend()
    eventually(lambda: result(supervisor, "api").restarts == 1 and supervisor.ready("api"))
    assert not stopped.is_running()
    assert ask(api)["pid"] != stopped.pid
    run = result(supervisor, "api")
    assert run.reason.startswith("it hung: no answer to GET / within 0.4 s")
    assert run.probes_lost >= 3


def test_a_crash_loop_is_a_result(bench: Bench) -> None:
    """It is given up at once, not after the time it may take to start; its secrets do not show in its last words."""
    loop = bench.web("--say", "password is hush-hush", "--exit", 3, restarts=2, start_s=3_600, inherit=("SECRET",))
    supervisor = bench.supervisor(bench.system(loop=loop, other=bench.web()), ambient={"SECRET": "hush-hush"})
    supervisor.start()
    run = result(supervisor, "loop")
    assert run.judgement is Judgement.FAILED
    assert run.reason == ("crash loop: it was started again 2 times, and it ended with exit code 3 before it was up")
    assert run.restarts == 2
    assert run.log_tail.count("password is [redacted]") == 3
    log = bench.folder / "home/services/demo/logs/loop.log"
    assert "hush-hush" not in log.read_text()
    assert supervisor.ready("other")


@pytest.mark.parametrize(
    ("options", "judgement", "said"),
    [
        (("--sleep", 60), Judgement.NOT_VERIFIED, "it is not up after 0.5 s: GET /: "),
        (("--status-file", "status"), Judgement.FAILED, "it is not up after 0.5 s: GET / says status = degraded, exp"),
    ],
)
def test_what_is_not_up_in_time_is_told_from_what_is_not_well(
    bench: Bench, options: tuple[object, ...], judgement: Judgement, said: str
) -> None:
    """No answer is no verdict; a wrong answer is one."""
    (bench.folder / "status").write_text("degraded")
    supervisor = bench.run(api=bench.web(*options, start_s=0.5, expect={"status": "ok"}))
    run = result(supervisor, "api")
    assert run.judgement is judgement
    assert run.reason.startswith(said)
    assert not supervisor.ready("api")


def test_what_answers_but_not_well_is_down_and_not_started_again(bench: Bench) -> None:
    """A restart is for what hangs; it is up again as soon as it says so."""
    api = bench.web("--status-file", "status", expect={"status": "ok"})
    supervisor = bench.run(api=api)
    (bench.folder / "status").write_text("degraded")
    eventually(lambda: not supervisor.ready("api"))
    assert "says status = degraded" in result(supervisor, "api").reason
    (bench.folder / "status").unlink()
    eventually(lambda: supervisor.ready("api"))
    run = result(supervisor, "api")
    assert (run.judgement, run.reason, run.restarts) == (Judgement.PASSED, "", 0)
    (bench.folder / "status").write_text("degraded")
    eventually(lambda: not supervisor.ready("api"))
    supervisor.stop()
    assert result(supervisor, "api").judgement is Judgement.FAILED


def test_what_needs_a_failed_service_is_not_started(bench: Bench) -> None:
    """It says whom it waited for; the rest goes on."""
    broken = Service(command=("./no-such-program",), port=free_port())
    services = {"page": bench.web(needs=("api",)), "api": bench.web(needs=("db",)), "db": broken, "other": bench.web()}
    supervisor = bench.run(**services)
    reasons = {run.name: (run.judgement, run.reason) for run in supervisor.results()}
    why = "'./no-such-program' cannot be started: [Errno 2] No such file or directory"
    assert reasons == {
        "db": (Judgement.NOT_VERIFIED, why),
        "api": (Judgement.NOT_VERIFIED, f"it needs db, which is not up: {why}"),
        "page": (Judgement.NOT_VERIFIED, f"it needs api, which is not up: it needs db, which is not up: {why}"),
        "other": (Judgement.PASSED, ""),
    }


def test_a_stranger_on_the_port_is_named_and_left_alone(bench: Bench) -> None:
    """Healthy or not, it is none of ours; what its command line holds of secrets is not shown."""
    service = bench.web(restarts=0)
    with psutil.Popen([*service.command, "--say=token=hush-hush-hush"]) as stranger:
        try:
            eventually(lambda: _answers(service))
            supervisor = bench.run(api=service)
            run = result(supervisor, "api")
            assert run.judgement is Judgement.NOT_VERIFIED
            assert f"port {service.port} is taken by a stranger, process {stranger.pid} of " in run.reason
            assert "web.py" in run.reason
            assert "hush-hush-hush" not in run.reason
            supervisor.stop()
            assert ask(service)["pid"] == stranger.pid
        finally:
            stranger.kill()


def test_a_command_a_port_or_nobody_tells_that_it_is_up(bench: Bench) -> None:
    """What nobody can tell is not verified, and not ready, but it runs."""
    check = "import pathlib, sys; sys.exit(not pathlib.Path('made').exists())"
    make = "import pathlib, time; pathlib.Path('made').touch(); time.sleep(600)"
    listen = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(600)"
    port = free_port()
    supervisor = bench.run(
        worker=Service(command=("{python}", "-c", make), healthcheck=Healthcheck(test=("{python}", "-c", check))),
        socket=Service(command=("{python}", "-c", listen, str(port)), port=port, healthcheck=Healthcheck(test="tcp")),
        batch=Service(command=("sleep", "600"), healthcheck=Healthcheck(test="none")),
        broken=Service(command=("sleep", "600"), healthcheck=Healthcheck(test=("false",)), start_s=0.1),
    )
    assert {name: supervisor.ready(name) for name in ("worker", "socket", "batch", "broken")} == {
        "worker": True,
        "socket": True,
        "batch": False,
        "broken": False,
    }
    run = result(supervisor, "batch")
    assert (run.judgement, run.reason) == (
        Judgement.NOT_VERIFIED,
        "nobody can tell whether it is up: its `healthcheck` asks nothing",
    )
    assert "false ended with exit code 1" in result(supervisor, "broken").reason


def test_what_does_not_end_is_killed_with_all_it_started(bench: Bench) -> None:
    """A child in a session of its own as well."""
    note = bench.folder / "child"
    deaf = "trap '' TERM; sleep 600 & setsid sleep 600 & echo $! > child; exec {}"
    web = bench.web(stop_s=0.2)
    supervisor = bench.run(api=web.model_copy(update={"command": ("sh", "-c", deaf.format(" ".join(web.command)))}))
    child = identity(int(note.read_text()))
    assert child is not None
    assert is_alive(child)
    supervisor.stop()
    assert not is_alive(child)
    assert _left(bench) == []


def test_the_death_of_a_guardian_is_a_crash(bench: Bench) -> None:
    """Nothing of that start is left, grandchildren among it, and the next one serves."""
    note = bench.folder / "child"
    api = bench.web("--child", note)
    supervisor = bench.run(api=api)
    first, child = psutil.Process(ask(api)["pid"]), identity(int(note.read_text()))
    first.parent().send_signal(signal.SIGKILL)  # type: ignore[union-attr] - its guardian
    eventually(lambda: result(supervisor, "api").restarts == 1 and supervisor.ready("api"))
    assert result(supervisor, "api").reason == "its guardian was killed"
    assert ask(api)["pid"] != first.pid
    assert child is not None
    assert not is_alive(child)


def _answers(service: Service) -> bool:
    try:
        return bool(ask(service))
    except OSError:
        return False


def _left(bench: Bench) -> list[psutil.Process]:
    mark = str(bench.folder / "home/services")
    return [process for process in psutil.process_iter(["environ"]) if mark in str(process.info["environ"])]
