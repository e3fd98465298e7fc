"""The code as it was: another commit checked out beside the target, so that head and base are tested in one night."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from recloser.nightly.errors import NightlyError
from recloser.nightly.repository import commit_id, git
from recloser.processes import has_ended, own_name

if TYPE_CHECKING:
    from collections.abc import Iterator


_PREFIX = "recloser-base-"
"""Of the folders that trees are checked out into; the name of the process follows."""


@contextmanager
def checked_out(folder: Path, commit: str) -> Iterator[Path]:
    """Check a commit out into a temporary worktree; the target's own tree and index are not touched.

    Args:
        folder: A folder inside the repository.
        commit: What to check out.

    Yields:
        The same folder inside the worktree.

    Raises:
        NightlyError: It is in no repository, or the commit or the folder in it is not there.
    """
    root = Path(git(folder, "rev-parse", "--show-toplevel"))
    inside = folder.resolve().relative_to(root.resolve())
    _sweep(folder)
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{own_name()}-") as place:
        tree = Path(place) / "tree"
        # Hooks of the target do not run.
        git(folder, "worktree", "add", "--detach", "--quiet", str(tree), commit_id(folder, commit))
        try:
            if not (tree / inside).is_dir():
                raise NightlyError(f"{inside} does not exist in commit {commit}")
            yield tree / inside
        finally:
            git(folder, "worktree", "remove", "--force", str(tree))


def _sweep(folder: Path) -> None:
    """Take away what a night that was killed has checked out of this repository."""
    for line in git(folder, "worktree", "list", "--porcelain").splitlines():
        place = Path(line.removeprefix("worktree ")).parent
        owner = place.name.removeprefix(_PREFIX).rpartition("-")[0]
        if line.startswith("worktree ") and place.name.startswith(_PREFIX) and has_ended(owner):
            with suppress(NightlyError):  # somebody has locked it, to look into it
                git(folder, "worktree", "remove", "--force", str(place / "tree"))
                shutil.rmtree(place, ignore_errors=True)
