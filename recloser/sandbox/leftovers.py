"""What a sandbox that was killed left behind: found by certain identity, ended, removed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from recloser.sandbox import processes
from recloser.sandbox.batch import cgroups
from recloser.sandbox.batch.launch import MARK, Folder
from recloser.sandbox.state import Record

if TYPE_CHECKING:
    from recloser.sandbox.state import StateDir

_JOB_GRACE_S = 0.5
_SAVE_S = 15.0


def sweep(state: StateDir) -> None:
    """End every process of jobs and MiniStack that an earlier daemon left, and remove its traces.

    Call only while no daemon holds the state folder.
    """
    processes.end(lambda: _jobs(state), grace_s=_JOB_GRACE_S)
    record = state.read(state.record, Record)
    if record is not None:
        processes.end(lambda: [record.ministack.pid] * processes.is_alive(record.ministack), grace_s=_SAVE_S)
    for group in cgroups.groups(state.root):
        cgroups.remove_tree(group)
    for folder in state.attempts.glob("*"):
        shutil.rmtree(folder, ignore_errors=True)


def _jobs(state: StateDir) -> set[int]:
    # Three ways, for a job can leave its session, clear its environment or outlive its leader, but not all unseen.
    found = set(processes.with_variable(MARK, lambda folder: folder.startswith(f"{state.attempts}/")))
    for folder in state.attempts.glob("*"):
        leader = state.read(Folder(folder).process, processes.Identity)
        found.update(processes.in_session(leader) if leader is not None else ())
    for group in cgroups.groups(state.root):
        found.update(pid for child in group.iterdir() if child.is_dir() for pid in cgroups.members_of(child))
    return found
