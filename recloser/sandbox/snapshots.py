"""Copies of folders, kept under the digest of their content."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from recloser.sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable

_NOT_COPIED = shutil.ignore_patterns(".git", "__pycache__", ".recloser", ".venv")


def snapshot(context: Path, images: Path) -> str:
    """Copy a folder under the digest of its content.

    Returns:
        The digest, hexadecimal.

    Raises:
        SandboxError: The context is no readable folder.
    """
    if not context.is_dir():
        raise SandboxError(f"the build context {context} is not a folder")
    work = Path(tempfile.mkdtemp(prefix=".building-", dir=images))
    try:
        copy = work / "root"
        shutil.copytree(context, copy, symlinks=True, ignore=_ignore_for(images))
        digest = _digest_of(copy)
        if not (images / digest).exists():
            copy.rename(images / digest)
    except (OSError, shutil.Error) as error:
        raise SandboxError(f"the build context {context} cannot be copied: {error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return digest


def _ignore_for(images: Path) -> Callable[[str, list[str]], set[str]]:
    # a state folder inside the context must not be copied into itself
    own = images.parent.resolve()

    def ignore(folder: str, names: list[str]) -> set[str]:
        here = Path(folder).resolve()
        return set(_NOT_COPIED(folder, names)) | {name for name in names if here / name == own}

    return ignore


def _digest_of(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        total.update(f"{path.relative_to(folder)}\0{_kind(path)}\0".encode())
        total.update(_content(path))
    return total.hexdigest()


def _kind(path: Path) -> str:
    if path.is_symlink():
        return "link"
    return "folder" if path.is_dir() else f"file {bool(path.stat().st_mode & 0o100)}"


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return os.fsencode(path.readlink())
    if path.is_dir():
        return b""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
