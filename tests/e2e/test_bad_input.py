"""Bad input: one clear message, a non-zero exit, no traceback, nothing changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Optimo

pytestmark = pytest.mark.sandbox

RECLOSER = str(Path(sys.executable).parent / "recloser")


def recloser(*words: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
    """Run the real command in its own process; a variable set to None is left out."""
    environment = dict(os.environ) | variables
    return subprocess.run(
        [RECLOSER, *words],
        env={name: value for name, value in environment.items() if value is not None},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_refused(ended: subprocess.CompletedProcess[str], *said: str) -> None:
    """One message that says it, exit 2, no traceback."""
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout
    for words in said:
        assert words in ended.stderr
    assert ended.stdout == ""


@pytest.fixture
def untouched(optimo: Optimo) -> Any:
    """The target, with the promise that the account is as it was."""
    before, jobs = optimo.account(), optimo.jobs()
    yield optimo
    assert optimo.account() == before
    assert optimo.jobs() == jobs
    assert not (optimo.home / "incidents").exists()


def test_a_malformed_declaration(untouched: Optimo) -> None:
    """Not TOML, and TOML that declares nonsense."""
    file = untouched.folder / "recloser.toml"
    good = file.read_text()
    file.write_text("name = [")
    assert_refused(recloser("heal", str(untouched.folder)), "recloser.toml is not valid TOML", "end of document")
    file.write_text(good.replace('queue = "optimo"', 'queue = 7\nqueues = "x"'))
    assert_refused(recloser("heal", str(untouched.folder)), "job.queue", "job.queues")


def test_an_unknown_target(untouched: Optimo) -> None:
    """A folder that is not there."""
    assert_refused(recloser("heal", str(untouched.folder / "nowhere")), "unknown target")


def test_a_known_good_file_that_cannot_be_read(untouched: Optimo) -> None:
    """Found before anything is submitted, not when it is needed."""
    (untouched.folder / "data" / "case14" / "load.csv").unlink()
    assert_refused(recloser("heal", str(untouched.folder)), "load.csv", "cannot be read")


@pytest.mark.parametrize("iterations", ["-1", "0", "many"])
def test_iterations_that_make_no_sense(untouched: Optimo, iterations: str) -> None:
    """Negative, none, or no number."""
    assert_refused(recloser("heal", str(untouched.folder), "--iterations", iterations), "--iterations")


def test_a_mode_that_does_not_exist(untouched: Optimo) -> None:
    """The message lists those that do."""
    assert_refused(recloser("heal", str(untouched.folder), "--fix-mode", "yolo"), "auto", "manual", "report-only")


def test_no_credentials(untouched: Optimo, tmp_path: Path) -> None:
    """Neither variables nor a file nor an instance."""
    missing = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "HOME": str(tmp_path)}
    assert_refused(recloser("heal", str(untouched.folder), **missing), "credentials")


def test_wrong_credentials(untouched: Optimo) -> None:
    """Keys nobody knows."""
    wrong = {"AWS_ACCESS_KEY_ID": "AKIAAAAAAAAAAAAAAAAA", "AWS_SECRET_ACCESS_KEY": "x" * 40}
    assert_refused(recloser("heal", str(untouched.folder), **wrong), "credentials")


def test_the_sandbox_is_down(untouched: Optimo) -> None:
    """Nothing listens where the variables point."""
    nowhere = dict.fromkeys((f"AWS_ENDPOINT_URL{of}" for of in ("", "_BATCH", "_STS")), "http://127.0.0.1:9")
    assert_refused(recloser("heal", str(untouched.folder), **nowhere), "127.0.0.1:9", "sandbox up")


def test_half_a_sandbox(untouched: Optimo) -> None:
    """A local Batch beside a real everything else would mix two accounts."""
    assert_refused(recloser("heal", str(untouched.folder), AWS_ENDPOINT_URL=None), "AWS_ENDPOINT_URL")


@pytest.mark.parametrize("region", ["eu-west-1", "nowhere"])
def test_the_wrong_region(untouched: Optimo, region: str) -> None:
    """The queue is named, and the region it was sought in."""
    ended = recloser("heal", str(untouched.folder), AWS_DEFAULT_REGION=region, AWS_REGION=region)
    assert_refused(ended, region)


def test_a_setting_that_makes_no_sense(untouched: Optimo) -> None:
    """A RECLOSER_ variable out of range."""
    assert_refused(recloser("heal", str(untouched.folder), RECLOSER_CALLS_PER_S="-3"), "RECLOSER_CALLS_PER_S")


def test_manual_without_anybody_to_ask(untouched: Optimo) -> None:
    """No terminal and no Prefect server: nobody could answer."""
    ended = recloser("heal", str(untouched.folder), "--fix-mode", "manual", PREFECT_API_URL=None)
    assert_refused(ended, "PREFECT_API_URL", "terminal")


def test_test_data_in_report_only(untouched: Optimo) -> None:
    """A mode that writes nothing cannot stage data."""
    ended = recloser("heal", str(untouched.folder), "--fix-mode", "report-only", "--use-test-data")
    assert_refused(ended, "report-only", "test data")


def test_an_unknown_fault(untouched: Optimo) -> None:
    """The nearest name is suggested, and nothing is broken."""
    ended = recloser("faults", "inject", "s3-raed-denied", "--target", str(untouched.folder))
    assert ended.returncode == 1
    assert "s3-read-denied" in ended.stderr
    assert "Traceback" not in ended.stderr
