"""The code as it was: another commit checked out beside the target, so that head and base are tested in one night."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from recloser.nightly.errors import NightlyError
from recloser.nightly.repository import commit_id, git

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    with tempfile.TemporaryDirectory(prefix="recloser-base-") as place:
        tree = Path(place) / "tree"
        # Hooks of the target do not run.
        git(folder, "worktree", "add", "--detach", "--quiet", str(tree), commit_id(folder, commit))
        try:
            if not (tree / inside).is_dir():
                raise NightlyError(f"{inside} does not exist in commit {commit}")
            yield tree / inside
        finally:
            git(folder, "worktree", "remove", "--force", str(tree))
