"""Which memory guard is chosen, on control groups made of plain files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recloser.sandbox.batch import cgroups, memory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "_own_groups", lambda: {"": "own", "memory": "own"})


def test_poller_when_nothing_else_works(tmp_path: Path) -> None:
    """Without control groups, or when asked for, it is the poller."""
    assert memory.choose(tmp_path, mounts=tmp_path).name == "poller"
    (tmp_path / "memory").mkdir()
    assert memory.choose(tmp_path, "poller", tmp_path).name == "poller"


def test_version_1_is_used_where_it_can_be_written(tmp_path: Path) -> None:
    """A writable memory hierarchy of version 1 is taken, in our own group or at its root."""
    (tmp_path / "memory").mkdir()
    guard = memory.choose(tmp_path, mounts=tmp_path)
    assert guard.name == "cgroup v1"
    limit = guard.limit("task", 64)
    folder = tmp_path / "memory" / cgroups.group_name(tmp_path) / "task"
    assert (folder / "memory.limit_in_bytes").read_text() == str(64 << 20)
    assert limit.enter() == str(folder / "cgroup.procs")
    assert not limit.exceeded()
    (folder / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    assert limit.exceeded()


def test_version_2_needs_delegation(tmp_path: Path) -> None:
    """Version 2 is taken when memory control can be handed down, and comes first."""
    (tmp_path / "memory").mkdir()
    own = tmp_path / "own"
    own.mkdir()
    (tmp_path / "cgroup.controllers").touch()
    (own / "cgroup.subtree_control").write_text("cpu")
    (own / "cgroup.procs").touch()
    guard = memory.choose(tmp_path, mounts=tmp_path)
    assert guard.name == "cgroup v2"
    assert (own / "cgroup.subtree_control").read_text() == "+memory"
    guard.limit("task", 64)
    assert (own / cgroups.group_name(tmp_path) / "task" / "memory.swap.max").read_text() == "0"


def test_groups_of_a_crashed_sandbox_are_found(tmp_path: Path) -> None:
    """The group's name follows from the state folder alone."""
    assert cgroups.group_name(tmp_path) == cgroups.group_name(tmp_path)
    assert cgroups.group_name(tmp_path) != cgroups.group_name(tmp_path / "other")
    assert cgroups.groups(tmp_path, tmp_path) == []


def test_groups_are_used_again_when_clean(tmp_path: Path) -> None:
    """An attempt gets the group of one with the same limit that has ended, unless something was killed or is left."""
    (tmp_path / "memory").mkdir()
    guard = memory.choose(tmp_path, mounts=tmp_path)
    first, second = guard.limit("first", 64), guard.limit("second", 64)
    assert (first.group, second.group) == ("first", "second")
    first.close()
    assert guard.limit("other", 65).group == "other"
    assert guard.limit("third", 64).group == "first"
    base = tmp_path / "memory" / cgroups.group_name(tmp_path)
    (base / "second" / "memory.usage_in_bytes").write_text(str(32 << 20))
    second.close()
    assert guard.limit("fourth", 64).group == "fourth"
    (base / "fourth" / "memory.oom_control").write_text("oom_kill 1\n")
    guard.resume("fourth", "fourth", 64).close()
    assert guard.limit("fifth", 64).group == "fifth"
