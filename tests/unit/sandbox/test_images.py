"""Images: snapshots by content, manifests by runtime."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from recloser.sandbox import SandboxError
from recloser.sandbox.images import BuildRequest, BuiltImage, build, parse_environment
from recloser.sandbox.snapshots import snapshot

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """An empty image folder inside a state folder."""
    folder = tmp_path / "state" / "images"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A folder with a module and what is never copied."""
    folder = tmp_path / "context"
    for name in ("pkg", ".git", ".venv", ".recloser", "pkg/__pycache__"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_text(name)
    (folder / "link").symlink_to("pkg/file")
    return folder


def made(context: Path, images: Path, **more: object) -> BuiltImage:
    """Build with defaults."""
    request = {"context": str(context), "repository": "r", "tag": "t", "interpreter": sys.executable, **more}
    return build(BuildRequest.model_validate(request), images)


def test_snapshot_leaves_the_usual_out(context: Path, images: Path) -> None:
    """Version control, caches, environments and sandbox state are not part of an image."""
    folder = images / snapshot(context, images)
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == ["link", "pkg", "pkg/file"]
    assert (folder / "link").is_symlink()


def test_snapshot_outlives_its_context(context: Path, images: Path) -> None:
    """A later change of the context is another image; the first stays as it was."""
    first = snapshot(context, images)
    (context / "pkg" / "file").write_text("changed")
    second = snapshot(context, images)
    assert first != second
    assert (images / first / "pkg" / "file").read_text() == "pkg"


def test_same_content_same_digest(context: Path, images: Path) -> None:
    """The digest follows from content and runtime, not from time, place or what is left out."""
    first = made(context, images)
    (context / ".git" / "more").touch()
    assert made(context, images) == first
    assert made(context, images, entrypoint=["python"]).digest != first.digest
    assert made(context, images, environment={"A": "b"}).digest != first.digest
    (context / "pkg" / "file").chmod(0o755)
    assert made(context, images).digest != first.digest


def test_state_folder_inside_the_context_is_not_copied(tmp_path: Path, images: Path) -> None:
    """A context that contains the state folder is not copied into itself."""
    (tmp_path / "module.py").touch()
    folder = images / snapshot(tmp_path, images)
    assert [path.name for path in folder.iterdir()] == ["module.py"]


def test_wrong_contexts_and_interpreters_are_told(tmp_path: Path, context: Path, images: Path) -> None:
    """What cannot be an image is named."""
    with pytest.raises(SandboxError, match="is not a folder"):
        made(tmp_path / "none", images)
    with pytest.raises(SandboxError, match="not an executable file"):
        made(context, images, interpreter=str(context / "link"))


def test_environment_words(context: Path) -> None:
    """Variables are NAME=value; anything else is named."""
    assert parse_environment(["A=b=c", "_x="]) == {"A": "b=c", "_x": ""}
    with pytest.raises(SandboxError, match="'1A=b'"):
        parse_environment(["1A=b"])
