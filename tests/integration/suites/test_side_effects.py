"""What a run measures on the side, and what it must not let through."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from recloser.processes import identity
from recloser.suites import run_suite
from recloser.target import Suite
from recloser.values import AwsCall, Judgement, TestStatus

if TYPE_CHECKING:
    from pathlib import Path

PYTEST = ("{python}", "-m", "pytest", "-p", "xdist", "-p", "no:cacheprovider")
BARE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
MEASURED = """
import os, subprocess, sys
import boto3, pytest
import covered

@pytest.mark.parametrize("n", [1, 2])
def test_calls(n):
    assert covered.half(True) == 1
    client = boto3.client(
        "s3", endpoint_url="http://127.0.0.1:1", region_name="eu-west-1", aws_access_key_id="a",
        aws_secret_access_key="b", config=boto3.session.Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(Exception):
        client.list_buckets()

def test_sees_nothing_of_us():
    assert not [name for name in os.environ if name.startswith("RECLOSER_")]
    assert "PYTHONPATH" not in os.environ

def test_leaves_a_process_behind():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    open("child", "w").write(str(child.pid))

def test_leaves_a_daemon_behind():
    words = [sys.executable, "-c", "import time; time.sleep(60)"]
    daemon = subprocess.Popen(words, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    open("daemon", "w").write(str(daemon.pid))
"""


def test_calls_coverage_and_leftovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS calls are counted over all workers, coverage is added up, the tests see nothing of it, nothing is left."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    for name in [name for name in os.environ if name.startswith("RECLOSER_")]:
        monkeypatch.delenv(name)
    (tmp_path / "test_measured.py").write_text(MEASURED)
    (tmp_path / "covered.py").write_text("def half(flag):\n    if flag:\n        return 1\n    return 2\n")
    suite = Suite(command=PYTEST, environment=BARE, coverage=("covered",), reruns=0)
    run = run_suite("unit", suite, tmp_path, workers=2)
    assert run.judgement is Judgement.PASSED, run.reason
    assert run.aws_calls == (AwsCall(service="s3", operation="ListBuckets", count=2),)
    assert run.coverage_percent == pytest.approx(75.0)
    assert not list(tmp_path.glob(".coverage*"))
    assert all(attempt.peak_rss_mib for attempt in run.attempts)
    left = [identity(int((tmp_path / name).read_text())) for name in ("child", "daemon")]
    assert left == [None, None]


HOSTILE = r"""
import sys
import pytest

def test_is_hostile():
    print("\x1b[2J\x1b]0;title\x07 [bold]markup[/bold] <script>alert(1)</script> \x00 \u202e \ud800")
    print("token is hunter2-hunter2 or AKIAIOSFODNN7EXAMPLE\nAuthorization: Bearer abcdefghijklmnopqrstuvwx")
    print("x" * 9_000_000)
    print("-----BEGIN PRIVATE KEY-----\n" + "Ab1/" * 16 + "\n-----END PRIVATE KEY-----")
    print(*range(200_000), sep="\n")
    print("the end")
    class Rude(Exception):
        def __str__(self):
            raise RuntimeError("no message for you")
    raise Rude

def test_has_a_long_message():
    raise ValueError("hunter2-hunter2 " * 100_000)
"""


def test_hostile_output_is_bounded_and_tamed(tmp_path: Path) -> None:
    """Megabytes, control characters and secrets end as a few kilobytes of plain text."""
    (tmp_path / "test_hostile.py").write_text(HOSTILE)
    suite = Suite(command=PYTEST, environment=BARE | {"DATABASE_PASSWORD": "hunter2-hunter2"}, reruns=0)
    run = run_suite("unit", suite, tmp_path, workers=1)
    text = run.model_dump_json()
    assert len(text) < 200_000
    for forbidden in ("hunter2", "AKIAIOSFODNN7EXAMPLE", "abcdefghijklmnop", "Ab1/Ab1/"):
        assert forbidden not in text
    for forbidden in ("\\u001b", "\\u0000", "\u202e"):
        assert forbidden not in text
    first = run.attempts[0]
    assert first.status is TestStatus.FAILED
    assert first.output.rstrip().endswith("the end")
    assert first.failure is not None
    assert first.failure.exception == "test_hostile.test_is_hostile.<locals>.Rude"
    assert "no message for you" not in first.failure.message


def test_without_xdist_one_process_does(tmp_path: Path) -> None:
    """The run says so, and everything else is the same."""
    (tmp_path / "test_a.py").write_text("def test_a(): pass\ndef test_b(): pass\n")
    suite = Suite(command=("{python}", "-m", "pytest", "-p", "no:cacheprovider"), environment=BARE)
    run = run_suite("unit", suite, tmp_path, workers=2)
    assert (run.judgement, run.workers) == (Judgement.PASSED, 1)
    assert run.notes == ("one process only: pytest-xdist is not there",)


OTHER = """
import pathlib, sys
pathlib.Path(sys.argv[1]).write_text(
    '<testsuite><testcase name="a"/><testcase name="b"><failure type="E" message="no"/></testcase></testsuite>'
)
sys.exit(3)
"""


def test_another_runner_is_judged_by_its_report(tmp_path: Path) -> None:
    """Its JUnit report says which tests there are; without one nothing is known."""
    (tmp_path / "other.py").write_text(OTHER)
    run = run_suite("ui", Suite(command=(sys.executable, "other.py", "{junit}")), tmp_path)
    assert (run.judgement, run.exit_code) == (Judgement.FAILED, 3)
    assert run.reason == "1 of 2 tests failed: b"
    run = run_suite("ui", Suite(command=(sys.executable, "-c", "print('done')", "{junit}")), tmp_path)
    assert run.judgement is Judgement.NOT_VERIFIED
    assert run.reason == "it wrote no JUnit report to {junit}; it ended with exit code 0: done"
