"""What a run of a test suite leaves behind: every attempt of every test, and what was under test."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from recloser.values.base import Value


class Judgement(StrEnum):
    """What a check says; one that did not run, timed out or skipped its input has not passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_VERIFIED = "not-verified"


class TestStatus(StrEnum):
    """How one attempt of one test ended."""

    __test__ = False  # pytest collects what is called Test

    PASSED = "passed"
    FAILED = "failed"
    """Its body raised."""
    ERROR = "error"
    """Its collection, setup or teardown raised."""
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    """Failed, as it is marked to."""
    XPASSED = "xpassed"
    """Passed, though it is marked to fail; a failure only where the suite is strict, and then said to be `failed`."""
    CRASHED = "crashed"
    """Its process died: a segmentation fault, `os._exit`, the kernel's out-of-memory killer."""
    TIMED_OUT = "timed-out"
    """It was ended at its time limit."""
    NOT_RUN = "not-run"
    """It was collected, and the run ended before its turn."""

    @property
    def is_failure(self) -> bool:
        """Whether it speaks against the code; what did not run speaks neither way."""
        return self in {TestStatus.FAILED, TestStatus.ERROR, TestStatus.CRASHED, TestStatus.TIMED_OUT}

    @property
    def is_pass(self) -> bool:
        """Whether it speaks for the code."""
        return self in {TestStatus.PASSED, TestStatus.XPASSED, TestStatus.XFAILED}


class Phase(StrEnum):
    """Where in its life an attempt ended."""

    COLLECT = "collect"
    SETUP = "setup"
    CALL = "call"
    TEARDOWN = "teardown"


class Frame(Value):
    """One frame of a stack, inside the code under test."""

    file: str
    """Relative to the target's folder."""
    line: int = Field(ge=0)
    function: str


class Failure(Value):
    """Why an attempt failed; every text in it is bounded and redacted."""

    exception: str
    """Its type, without the module where it is a builtin; `crashed` or `timed-out` where nothing was raised."""
    message: str
    frames: tuple[Frame, ...] = ()
    """Innermost last, in the code under test only."""
    source: str = ""
    """The line of code at the last frame."""
    text: str = ""
    """What the runner printed of it."""
    fingerprint: str
    """Equal for equal failures: exception, masked message, last three frames."""


class TestAttempt(Value):
    """One attempt of one test; its reruns are attempts of their own."""

    __test__: ClassVar[bool] = False

    suite: str
    test_id: str
    """As the runner names it: `tests/test_a.py::test_b[c]`."""
    number: int = Field(ge=1)
    """1 in the run of the whole suite, 2 and above in reruns of what had failed."""
    probe: str = ""
    """Why it ran: empty in the suite's own run and its reruns, else what was probed, such as `shuffled`."""
    status: TestStatus
    phase: Phase = Phase.CALL
    """Where it failed; `call` where it did not."""
    started_at: datetime
    duration_s: float = Field(ge=0)
    """Of setup, call and teardown together."""
    worker: str = ""
    """Process it ran in; empty where there was only one."""
    position: int = Field(default=0, ge=0)
    """How many tests had run in that process before it."""
    failure: Failure | None = None
    reason: str = ""
    """Why it was skipped or did not run."""
    output: str = ""
    """What it printed and logged, bounded and redacted; kept of failures only."""
    peak_rss_mib: float | None = Field(default=None, ge=0)
    """Largest resident size of its process at its end."""


class CodeState(Value):
    """The code under test, by content: it survives a rebase, which a commit id does not."""

    tree: str
    """Hash of every file git would commit, changed and new ones included."""
    commit: str | None = None
    branch: str | None = None
    dirty: bool = False
    """Whether there are changes that are not committed."""


class Environment(Value):
    """What the code ran on."""

    environment_id: str
    """Hash of all the rest."""
    python: str
    platform: str
    machine: str
    cpus: int = Field(ge=1)
    packages: str = ""
    """Hash of the names and versions of what is installed."""


class AwsCall(Value):
    """How often the tests of a suite called one operation of AWS."""

    service: str
    operation: str
    count: int = Field(ge=1)


class SuiteRun(Value):
    """One run of one suite with its reruns."""

    suite: str
    tier: str
    judgement: Judgement
    reason: str = ""
    """Why it failed or could not be judged, in a sentence."""
    critical: bool = True
    code: CodeState
    environment: Environment
    started_at: datetime
    ended_at: datetime
    exit_code: int | None = None
    """Of the first run; None where it did not start."""
    workers: int = Field(default=1, ge=1)
    coverage_percent: float | None = Field(default=None, ge=0, le=100)
    aws_calls: tuple[AwsCall, ...] = ()
    figures: dict[str, float] = Field(default_factory=dict)
    """What tests recorded by `record_property`, numbers only: what `[thresholds]` judges."""
    attempts: tuple[TestAttempt, ...] = ()
    notes: tuple[str, ...] = ()
    """What is to be known of how it ran: without workers, without coverage, failures that were not run again."""
    output: str = ""
    """What the runner itself printed, bounded and redacted; kept unless it passed."""
