"""How MiniStack is started, and what is said when it does not start."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from recloser.sandbox import SandboxError, install, ministack, ports
from recloser.sandbox.errors import InstallError, MiniStackError, PortTakenError
from recloser.sandbox.state import StateDir

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    """A state folder."""
    made = StateDir(tmp_path / "state")
    made.create()
    return made


def pretend(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Let a shell script stand for MiniStack's interpreter."""
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(ministack, "interpreter", lambda: program)


@pytest.mark.parametrize(
    ("says", "error"), [("boom", MiniStackError), ("ERROR: 127.0.0.1:1 is already in use.", PortTakenError)]
)
def test_failing_start_is_quoted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: StateDir, says: str, error: type[Exception]
) -> None:
    """A start that fails raises at once, with the last lines of the log, or as a taken port."""
    pretend(monkeypatch, tmp_path, f"echo '{says}'; exit 1")
    child = ministack.MiniStack.start(state, ports.free_port())
    with pytest.raises(error, match="boom" if says == "boom" else "taken"):
        child.wait_healthy()


def test_environment_is_complete_and_closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: StateDir) -> None:
    """It sees exactly what is written down: loopback, enforcement, no Batch, nothing inherited."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "inherited")
    pretend(monkeypatch, tmp_path, "env; exit 1")
    child = ministack.MiniStack.start(state, 4)
    child.process.wait()
    seen = dict(line.split("=", 1) for line in state.ministack_log.read_text().splitlines())
    assert set(seen) - {"PWD", "SHLVL", "_", "OLDPWD"} == set(ministack.environment(state, 4))
    assert (seen["BIND_HOST"], seen["AUTH"]) == ("127.0.0.1", "true")
    assert "batch" not in seen["SERVICES"].split(",")


def test_stranger_on_the_port_is_not_ministack() -> None:
    """Silence on the port is an error that names it."""
    port = ports.free_port()
    with pytest.raises(MiniStackError, match=str(port)):
        ministack.health(port)


def test_failing_installation_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When pip cannot install, the message names the command and quotes pip; the next try starts afresh."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(InstallError, match="recloser sandbox install"):
        install.install()
    assert not install.is_installed()


def test_only_one_holds_a_state_folder(state: StateDir) -> None:
    """A lock is held once, and free again when its holder lets go."""
    held = state.hold("daemon")
    assert held is not None
    assert state.hold("daemon") is None
    os.close(held)
    again = state.hold("daemon")
    assert again is not None
    os.close(again)


def test_state_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file where the folder should be is an error that names it."""
    (tmp_path / "file").touch()
    with pytest.raises(SandboxError, match="cannot be made"):
        StateDir(tmp_path / "file").create()
