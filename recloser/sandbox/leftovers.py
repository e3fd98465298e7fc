"""What a sandbox that was killed left behind: found by certain identity, ended, removed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from recloser import processes
from recloser.sandbox.batch import cgroups
from recloser.sandbox.batch.launch import MARK, Folder, folders
from recloser.sandbox.state import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from recloser.sandbox.state import StateDir

_JOB_GRACE_S = 0.5
_SAVE_S = 15.0


def sweep(state: StateDir) -> None:
    """End every process of jobs and MiniStack that an earlier daemon left, and remove its traces.

    Call only while no daemon holds the state folder.
    """
    end_jobs(state, frozenset())
    end_ministack(state)
    for group in cgroups.groups(state.root):
        cgroups.remove_tree(group)


def end_ministack(state: StateDir) -> None:
    """End the MiniStack of an earlier daemon, letting it save."""
    record = state.read(state.record, Record)
    if record is not None:
        processes.end(lambda: [record.ministack.pid] * processes.is_alive(record.ministack), grace_s=_SAVE_S)


def end_jobs(state: StateDir, kept: Collection[str]) -> None:
    """End what an earlier daemon left of attempts, and remove their folders and control groups.

    Args:
        state: The sandbox.
        kept: Task ids of the attempts that are taken up again.
    """
    found = [folder for task, folder in folders(state.attempts).items() if task not in kept]
    processes.end(lambda: _members(state, found, kept), grace_s=_JOB_GRACE_S)
    for group in _groups(state, kept):
        cgroups.remove_tree(group)
    for folder in found:
        shutil.rmtree(folder.work, ignore_errors=True)
        Path(folder.output).unlink(missing_ok=True)
        Path(folder.record).unlink(missing_ok=True)


def _members(state: StateDir, left: list[Folder], kept: Collection[str]) -> set[int]:
    # Three ways, for a job can leave its session, clear its environment or outlive its leader, but not all unseen.
    found = set(processes.with_variable(MARK, lambda mark: _is_stray(mark, state, kept)))
    for folder in left:
        note = folder.read_note()
        found.update(processes.in_session(note.process) if note is not None else ())
    for group in _groups(state, kept):
        found.update(cgroups.members_of(group))
    return found


def _is_stray(mark: str, state: StateDir, kept: Collection[str]) -> bool:
    return mark.startswith(f"{state.attempts}/") and mark.rsplit("/", 1)[-1] not in kept


def _groups(state: StateDir, kept: Collection[str]) -> Iterator[Path]:
    notes = [Folder(state.attempts / task).read_note() for task in kept]
    used = {note.group for note in notes if note is not None}
    for base in cgroups.groups(state.root):
        yield from (group for group in base.iterdir() if group.is_dir() and group.name not in used)
