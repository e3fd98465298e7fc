"""`recloser.toml`: read as declared, or refused with one message."""

from pathlib import Path

import pytest

from recloser.target import TargetError, load_target

GOOD = """
name = "demo"
[job]
queue = "q"
definition = "d"
role = "r"
"""


def write(folder: Path, text: str) -> Path:
    """A target folder with this declaration."""
    (folder / "recloser.toml").write_text(text)
    return folder


def test_a_target_is_read_from_its_folder_or_its_file(tmp_path: Path) -> None:
    """Both ways lead to the same target; undeclared guardrails allow nothing."""
    folder = write(tmp_path, GOOD)
    target = load_target(folder)
    assert target == load_target(folder / "recloser.toml")
    assert target.guardrails.memory is None
    assert target.guardrails.permissions.actions == ()
    assert not target.guardrails.image.rebuild


def test_the_example_is_a_valid_target() -> None:
    """What the README shows can be read."""
    assert load_target("examples/optimo").name == "optimo"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "not valid TOML"),
        ("name = 'demo'", "job: Field required"),
        (GOOD.replace('role = "r"', ""), "job.role: Field required"),
        (GOOD.replace("demo", "No Spaces!"), "name: "),
        (GOOD + "retrys = 3", "job.retrys: Extra inputs are not permitted"),
        (GOOD + "[guardrails.permissions]\nactions = ['s3:*']", "is not one exact action"),
        (GOOD + "[guardrails.permissions]\nactions = ['iam:PassRole']", "never granted"),
        (GOOD + "[guardrails.memory]\nmax_mib = -1", "guardrails.memory.max_mib"),
        (GOOD + "[[inputs]]\nuri = 'http://x'", "expected s3://BUCKET/KEY"),
        (GOOD + "[[inputs]]\nuri = 's3://b/k'\nrestore = true", "needs a known_good file"),
        (GOOD + "[[inputs]]\nuri = 's3://b/k'\nknown_good = 'gone.csv'", "cannot be read"),
        (GOOD + "[catalogue.X]\nwhy = 'no source'", "exactly one of"),
    ],
)
def test_a_bad_declaration_is_one_message(tmp_path: Path, text: str, said: str) -> None:
    """It names the file, the key and what was expected."""
    with pytest.raises(TargetError, match="recloser.toml|known-good") as caught:
        load_target(write(tmp_path, text))
    assert said in str(caught.value)


def test_an_unknown_target_is_named(tmp_path: Path) -> None:
    """A misspelt path is told as such."""
    with pytest.raises(TargetError, match="unknown target"):
        load_target(tmp_path / "nowhere")


def test_an_empty_known_good_file_is_refused(tmp_path: Path) -> None:
    """Restoring from it would only move the damage."""
    (tmp_path / "good.csv").touch()
    write(tmp_path, GOOD + "[[inputs]]\nuri = 's3://b/k'\nknown_good = 'good.csv'")
    with pytest.raises(TargetError, match="is empty"):
        load_target(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Not a traceback from a codec."""
    (tmp_path / "recloser.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TargetError, match="UTF-8"):
        load_target(tmp_path)


def test_a_refused_value_is_not_repeated(tmp_path: Path) -> None:
    """The offending input may be a secret in the wrong place."""
    text = GOOD + "[catalogue.DB_PASSWORD]\nvalue = 'hunter2-hunter2'\nvlaue = 'hunter2-hunter2'"
    with pytest.raises(TargetError) as caught:
        load_target(write(tmp_path, text))
    assert "hunter2" not in str(caught.value)
