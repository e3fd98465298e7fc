"""The code under test, by content, and what it runs on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recloser.values import CodeState, Environment

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT_S = 120.0
_CHUNK_BYTES = 1 << 20
_MADE_BY_RUNS = (
    "__pycache__",
    ".pytest_cache",
    ".hypothesis",
    ".mypy_cache",
    ".ruff_cache",
    ".recloser",
    ".tox",
    ".nox",
)
_NOT_CODE = {*_MADE_BY_RUNS, ".git", ".hg", "node_modules"}
# A run leaves these behind; were they part of the state, no state would be seen twice where nobody ignores them.
_EXCLUDED = tuple(
    f":(exclude,top,glob)**/{name}" for name in (*(f"{name}/**" for name in _MADE_BY_RUNS), ".coverage", ".coverage.*")
)


class _NoGitError(Exception):
    """The folder is in no repository that git can read."""


def code_state(folder: Path) -> CodeState:
    """Hash what is there now: committed, changed, new; not what git ignores.

    Neither the repository nor its index is touched: both the index and the objects are written elsewhere.

    Args:
        folder: Where the target lies. In a repository, the state is that of all of it, because what the target imports
            may lie beside it; elsewhere of this folder alone.
    """
    try:
        return _state_in_git(folder)
    except (_NoGitError, OSError, subprocess.SubprocessError):
        return CodeState(tree=_hash_of_files(folder))


def _state_in_git(folder: Path) -> CodeState:
    top, git_dir, objects = _git(
        folder, "rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-path", "objects"
    ).split("\n")
    root = Path(top)
    with tempfile.TemporaryDirectory(prefix="recloser-index-") as scratch:
        index = Path(scratch, "index")
        if (known := Path(git_dir, "index")).is_file():
            shutil.copyfile(known, index)  # it knows which files have not been touched, so they are not read
        elsewhere = {
            "GIT_INDEX_FILE": str(index),
            "GIT_OBJECT_DIRECTORY": str(Path(scratch, "objects")),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str((folder / objects).resolve()),
        }
        Path(scratch, "objects").mkdir()
        _git(root, "add", "--all", "--ignore-errors", "--", ".", *_EXCLUDED, **elsewhere)
        tree = _git(root, "write-tree", **elsewhere)
    try:
        commit, committed, branch = _git(root, "rev-parse", "HEAD", "HEAD^{tree}", "--abbrev-ref", "HEAD").split("\n")
    except _NoGitError:  # nothing has been committed
        return CodeState(tree=tree, dirty=True)
    return CodeState(tree=tree, commit=commit, branch=None if branch == "HEAD" else branch, dirty=tree != committed)


def _git(folder: Path, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [
            "git",
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "core.fsmonitor=false",
            "-c",
            "advice.addEmbeddedRepo=false",
            *arguments,
        ],
        cwd=folder,
        env=_without_git(os.environ) | environment | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise _NoGitError(done.stderr.decode("utf-8", "replace").strip())
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def _without_git(environment: os._Environ[str]) -> dict[str, str]:
    """A git hook that starts us points every git at its own repository."""
    return {name: value for name, value in environment.items() if not name.startswith("GIT_")}


def _hash_of_files(folder: Path) -> str:
    total = sha256()
    for file in sorted(_files(folder)):
        total.update(os.fsencode(file.relative_to(folder)) + b"\0")
        try:
            with file.open("rb") as stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    total.update(chunk)
        except OSError as error:
            total.update(str(error.errno).encode())
        total.update(b"\0")
    return total.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _NOT_CODE and not Path(path, name, "pyvenv.cfg").exists()]
        for name in names:
            if (file := Path(path, name)).is_file():
                yield file


def environment_of(python: str, folder: Path | None = None) -> Environment:
    """What an interpreter is, and what is installed for it.

    Args:
        python: Path or name of the interpreter.
        folder: Where it is run.

    Raises:
        OSError: It cannot be started.
        ValueError: It is no Python that answers.
    """
    script = Path(__file__).parent / "inside" / "describe.py"
    done = subprocess.run(
        [python, str(script)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    try:
        return environment_from(json.loads(done.stdout))
    except ValueError:
        raise ValueError(f"{python} does not answer as a Python does") from None


def environment_from(told: dict[str, Any]) -> Environment:
    """The environment that an interpreter has described."""
    text = "\n".join(f"{name}={told[name]}" for name in sorted(told))
    return Environment(environment_id=sha256(text.encode()).hexdigest()[:16], **told)
