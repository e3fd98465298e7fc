"""Which commits since the last good night come into question for a failure: those that touch its files first.

That a commit touches a file of a traceback is a reason to look at it, and no proof.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from recloser.values import Suspect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recloser.values import CodeChange, Commit, FailureGroup

MOST = 10
_TOLD_OF_CODE = {"new", "failing", "already broken", "still failing", "not judged"}
"""Verdicts of failures that may come of the code; others are put down to something else."""


def suspects_of(group: FailureGroup, change: CodeChange, commit_of: Mapping[str, str]) -> tuple[Suspect, ...]:
    """The commits that a failure may have come with.

    Args:
        group: The failure.
        change: What was committed since the last good night.
        commit_of: By cycle, the commit that holds its code; only of cycles whose code was in one.

    Returns:
        At most ten: those that touch a file of the traceback first, the innermost frame's before others, then a file of
        its tests, then one that is named in the line that failed or like its tests, then the newest. None for what
        failed in the last good night already, or is put down to something outside the code.
    """
    if group.verdict not in _TOLD_OF_CODE or (group.since and group.since <= change.base):
        return ()
    files = dict.fromkeys(group.files, "a file of the traceback")
    for test in group.tests:
        files.setdefault(test.test_id.partition("::")[0], "a file of its tests")
    named = _named(group)
    ranked = sorted(
        (_suspect(commit, files, named) for commit in _until(change.commits, commit_of.get(group.since, ""))),
        key=lambda found: found[0],
    )
    return tuple(suspect for _, suspect in ranked[:MOST])


def _named(group: FailureGroup) -> dict[str, str]:
    """Names of files that a failure hints at, and how: `faults` for `assert faults.EXIT == 70`, for `test_faults`."""
    tests = (PurePosixPath(test.test_id.partition("::")[0]).stem for test in group.tests)
    alike = {name.removeprefix("test_").removesuffix("_test"): "named like a file of its tests" for name in tests}
    return alike | dict.fromkeys(re.findall(r"\w+", group.source), "named in the line that failed")


def _until(commits: Sequence[Commit], first_bad: str) -> Sequence[Commit]:
    """Without those that came after it was first seen to fail; the newest are first."""
    names = [commit.commit for commit in commits]
    return commits[names.index(first_bad) :] if first_bad in names else commits


def _suspect(commit: Commit, files: Mapping[str, str], named: Mapping[str, str]) -> tuple[int, Suspect]:
    """How near a commit is to a failure whose files these are, the nearest first; and what speaks for it."""
    touched = set(commit.files)
    for place, (name, why) in enumerate(files.items()):
        if name in touched:
            return place, Suspect(commit=commit, reason=f"touches {name}, {why}")
    for name in commit.files:
        if hint := named.get(PurePosixPath(name).stem):
            return len(files), Suspect(commit=commit, reason=f"touches {name}, {hint}")
    return len(files) + 1, Suspect(commit=commit)
