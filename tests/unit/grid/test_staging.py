"""A folder is there whole or not at all, whatever happens to its writer."""

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from recloser.grid import DatasetError, staged_folder


def test_a_folder_gets_its_name_when_it_is_complete(tmp_path: Path) -> None:
    """Until then nobody can mistake it for a dataset."""
    out = tmp_path / "a" / "b"
    with staged_folder(out) as folder:
        (folder / "file").write_text("content")
        assert not out.exists()
    assert (out / "file").read_text() == "content"
    assert [entry.name for entry in out.parent.iterdir()] == ["b"]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_writer_that_fails_leaves_nothing(tmp_path: Path, failure: type[BaseException]) -> None:
    """Its failure is its own."""
    with pytest.raises(failure):
        write_half(tmp_path / "out", failure)
    assert list(tmp_path.iterdir()) == []


def write_half(out: Path, failure: type[BaseException]) -> None:
    """A writer that stops in the middle."""
    with staged_folder(out) as folder:
        (folder / "file").write_text("half")
        raise failure


def test_a_full_disk_is_one_message(tmp_path: Path) -> None:
    """The system's own words, and which folder."""
    with pytest.raises(DatasetError, match="out could not be written: No space left"), staged_folder(tmp_path / "out"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_is_one_message(tmp_path: Path) -> None:
    """A file is no parent of a folder."""
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="cannot be made"), staged_folder(tmp_path / "file" / "out"):
        pass


def test_two_writers_of_one_folder_do_not_mix(tmp_path: Path) -> None:
    """The second is told, and the first is not disturbed."""
    with staged_folder(tmp_path / "out") as folder:
        (folder / "file").touch()
        with pytest.raises(DatasetError, match="written by another process"), staged_folder(tmp_path / "out"):
            pass
    assert (tmp_path / "out" / "file").exists()


def write_and_wait(out: Path, ready: Connection) -> None:
    """A writer that is half way."""
    with staged_folder(out) as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "half").write_text("half")
        (folder / "half").write_text("half")
        ready.send("half way")
        signal.pause()


def test_a_killed_writer_leaves_no_dataset_and_does_not_block_the_next(tmp_path: Path) -> None:
    """What it left under a hidden name is taken over and emptied."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    out = tmp_path / "out"
    writer = context.Process(target=write_and_wait, args=(out, theirs))
    writer.start()
    assert ours.recv() == "half way"
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert not out.exists()
    with staged_folder(out) as folder:
        assert list(folder.iterdir()) == []
        (folder / "file").touch()
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert [entry.name for entry in out.iterdir()] == ["file"]
