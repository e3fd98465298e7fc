"""Nothing outlives the run that started it, however it ends; and the next run tells its own from what is left."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from recloser.processes import identity, is_alive
from recloser.target import Service, load_system
from recloser.values import Judgement, ServiceRun
from tests.integration.services.conftest import Bench, ask, eventually, free_port, result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.processes import Identity

WEB = Path(__file__).with_name("web.py")
RUN = Path(__file__).with_name("run.py")


def declare(bench: Bench, *options: str, **more: str) -> Service:
    """Write a target with one service; its declaration."""
    port = free_port()
    command = [sys.executable, "-S", str(WEB), str(port), *options]
    lines = [f"{name} = {value}" for name, value in more.items()]
    text = "\n".join(['name = "demo"', "[services.api]", f"command = {command}", f"port = {port}", *lines])
    (bench.folder / "recloser.toml").write_text(text)
    return load_system(bench.folder).services["api"]


@contextmanager
def running(bench: Bench) -> Iterator[tuple[subprocess.Popen[bytes], ServiceRun]]:
    """Another run of the target, and what it says of its service."""
    command = [sys.executable, str(RUN), str(bench.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path.cwd()) as run:
        try:
            yield run, ServiceRun.model_validate_json(run.stdout.readline())  # type: ignore[union-attr] - a pipe
        finally:
            run.kill()


def processes_of(service: Service, child: Path) -> list[Identity]:
    """The service and its child, now."""
    found = [identity(pid) for pid in (ask(service)["pid"], int(child.read_text()))]
    return [process for process in found if process is not None]


def guardian_of(bench: Bench) -> int:
    """The process between a run and its service."""
    return int(json.loads((bench.folder / "home/services/demo/api.json").read_text())["guardian"]["pid"])


def test_a_killed_run_takes_its_services_along(bench: Bench) -> None:
    """Grandchildren in sessions of their own too; the next run starts one service, not two."""
    child = bench.folder / "child"
    service = declare(bench, "--child", str(child))
    with running(bench) as (run, _):
        left = processes_of(service, child)
        assert len(left) == 2
        run.kill()
        run.wait()
        eventually(lambda: not any(map(is_alive, left)))
    supervisor = bench.supervisor(load_system(bench.folder))
    supervisor.start()
    assert result(supervisor, "api").judgement is Judgement.PASSED
    assert ask(service)["pid"] not in {process.pid for process in left}


def test_what_a_killed_run_and_its_killed_guardian_leave_is_ended_by_the_next(bench: Bench) -> None:
    """The service dies with its guardian; its child is found by the mark it bears, though nobody declares it now."""
    child = bench.folder / "child"
    service = declare(bench, "--child", str(child))
    with running(bench) as (run, _):
        server, orphan = processes_of(service, child)
        for pid in (run.pid, guardian_of(bench)):
            psutil.Process(pid).suspend()
        for pid in (guardian_of(bench), run.pid):
            psutil.Process(pid).kill()
        run.wait()
        if sys.platform == "linux":
            eventually(lambda: not is_alive(server))
        assert is_alive(orphan)
    supervisor = bench.run(other=bench.web())
    assert not is_alive(orphan)
    assert supervisor.ready("other")


def test_an_orderly_end_leaves_nothing(bench: Bench) -> None:
    """Neither processes nor records."""
    child = bench.folder / "child"
    service = declare(bench, "--child", str(child))
    with running(bench) as (run, said):
        assert said.judgement is Judgement.PASSED
        left = processes_of(service, child)
        run.communicate()
        assert run.returncode == 0
        assert not any(map(is_alive, left))
    assert list((bench.folder / "home/services/demo").glob("*.json")) == []


def test_what_another_run_keeps_up_is_adopted_and_left_running(bench: Bench) -> None:
    """It is the same process before, during and after; when its own run ends it, that is seen."""
    service = declare(bench)
    with running(bench) as (run, _):
        pid = ask(service)["pid"]
        first, second = (bench.supervisor(load_system(bench.folder)) for _ in range(2))
        first.start()
        assert ask(service)["pid"] == pid
        first.stop()
        assert (result(first, "api").judgement, result(first, "api").adopted) == (Judgement.PASSED, True)
        assert ask(service)["pid"] == pid
        second.start()
        run.communicate()
        eventually(lambda: not second.ready("api"))
        second.stop()
        assert result(second, "api").judgement is Judgement.FAILED
        assert "another process runs it" in result(second, "api").reason


def test_what_another_run_declares_otherwise_is_not_adopted(bench: Bench) -> None:
    """It would be judged by what it is not."""
    service = declare(bench)
    with running(bench) as (run, _):
        text = (bench.folder / "recloser.toml").read_text()
        (bench.folder / "recloser.toml").write_text(text + "\nenvironment = { MODE = 'other' }")
        supervisor = bench.supervisor(load_system(bench.folder))
        supervisor.start()
        assert result(supervisor, "api").reason == (
            f"process {run.pid} runs it as it was declared otherwise: end that process first"
        )
        assert ask(service)["environment"].get("MODE") is None
