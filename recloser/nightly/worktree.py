"""The code as it was: another commit checked out beside the target, so that head and base are tested in one night."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from recloser.nightly.errors import NightlyError
from recloser.redaction import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT_S = 300.0


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
    root = Path(_git(folder, "rev-parse", "--show-toplevel"))
    inside = folder.resolve().relative_to(root.resolve())
    with tempfile.TemporaryDirectory(prefix="recloser-base-") as place:
        tree = Path(place) / "tree"
        # Hooks of the target do not run.
        _git(folder, "worktree", "add", "--detach", "--quiet", str(tree), _commit(folder, commit))
        try:
            if not (tree / inside).is_dir():
                raise NightlyError(f"{inside} does not exist in commit {commit}")
            yield tree / inside
        finally:
            _git(folder, "worktree", "remove", "--force", str(tree))


def _commit(folder: Path, named: str) -> str:
    """The id of a commit; what begins like an option is none."""
    return _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{named}^{{commit}}")


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "-c", "core.hooksPath=/dev/null", *arguments],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NightlyError(f"git {arguments[0]} in {folder}: {error}") from error
    if done.returncode != 0:
        raise NightlyError(f"git {arguments[0]} in {folder}: {clean(done.stderr)}")
    return done.stdout.strip()
