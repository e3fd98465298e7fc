"""The repository that a target lies in: read by git, whose hooks do not run."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from recloser.nightly.errors import NightlyError
from recloser.redaction import clean

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT_S = 300.0


def git(folder: Path, *arguments: str, timeout_s: float = _TIMEOUT_S) -> str:
    """What a command of git prints.

    Args:
        folder: Where it runs: inside the repository.
        arguments: The command and its arguments.
        timeout_s: After which it is ended.

    Raises:
        NightlyError: It fails, or does not end.
    """
    # A git hook that starts us points every git at its own repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", *arguments],
            env=environment | {"GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NightlyError(f"git {arguments[0]} in {folder}: {error}") from error
    if done.returncode != 0:
        raise NightlyError(f"git {arguments[0]} in {folder}: {clean(done.stderr)}")
    return done.stdout.strip()


def commit_id(folder: Path, named: str) -> str:
    """The id of a commit; what begins like an option is none.

    Raises:
        NightlyError: There is no such commit.
    """
    return git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{named}^{{commit}}")


def path_in_repository(folder: Path) -> str:
    """A folder as a command that is typed at the root of its repository names it; `.` where it is in none."""
    try:
        return git(folder, "rev-parse", "--show-prefix").rstrip("/") or "."
    except NightlyError:
        return "."
