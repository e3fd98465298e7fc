"""What a process does is seen from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from recloser.processes import identity, wait_until
from recloser.services.effort import Effort, effort

PATIENCE_S = 30.0


@pytest.mark.parametrize(
    ("script", "works"), [("while True: pass", True), ("import time; print(flush=True); time.sleep(600)", False)]
)
def test_work_is_told_from_rest(script: str, *, works: bool) -> None:
    """Of a shell that runs it, so that it is a child that works."""
    command = ["sh", "-c", f"echo; {sys.executable} -S -c '{script}'; true"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as shell:
        leader = identity(shell.pid)
        assert leader is not None
        try:
            before = effort(leader)
            if works:
                assert wait_until(lambda: effort(leader).cpu_s > before.cpu_s + 0.05, PATIENCE_S)
            else:
                assert wait_until(lambda: not effort(leader).waits, PATIENCE_S)
        finally:
            os.killpg(shell.pid, signal.SIGKILL)
    assert effort(leader) == Effort(cpu_s=0.0, waits=False)
