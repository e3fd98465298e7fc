"""What of a night's failures is one problem, and what was changed before it."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from recloser.values.base import Value


class ProblemKind(StrEnum):
    """Why failures are taken for one problem; the widest reason there is."""

    SYSTEMIC = "systemic"
    """So much failed at once that it is one incident."""
    CO_FAILING = "co-failing"
    """Their tests keep failing in the same runs, of whatever."""
    NEAR = "near"
    """One exception at one place, with messages that are alike."""
    EXACT = "exact"
    """One fingerprint: exception, masked message and place are equal."""


class ProblemTest(Value):
    """One test of a problem."""

    suite: str
    test_id: str
    failed: bool = True
    """Whether it failed tonight as well."""


class Companion(Value):
    """A test that is no part of a problem, and fails mostly when that is there."""

    suite: str
    test_id: str
    nights: int = Field(ge=0)
    """In which it failed together with the problem."""


class Problem(Value):
    """Failures that are one problem."""

    kind: ProblemKind
    title: str
    """The exception and the first line of its message, of the failure that most tests share."""
    where: str = ""
    """`file:line in function`, in the code under test."""
    fingerprints: tuple[str, ...] = ()
    """Of tonight's failures, the most frequent first; none where none of its tests failed tonight."""
    tests: tuple[ProblemTest, ...]
    """Those that failed tonight first."""
    since: str = ""
    """First cycle, of those looked at, in which it was seen."""
    last: str = ""
    """Latest of them."""
    nights: int = Field(default=0, ge=0)
    """In how many it was seen."""
    looked: int = Field(default=0, ge=0)
    """How many cycles were looked at."""
    companions: tuple[Companion, ...] = ()

    @property
    def failed(self) -> int:
        """How many of its tests failed tonight."""
        return sum(test.failed for test in self.tests)


class Commit(Value):
    """One commit; its texts are redacted."""

    commit: str
    author: str
    at: datetime
    subject: str
    files: tuple[str, ...] = ()
    """What it touches, relative to the target's folder; files outside of it are left out."""

    @property
    def sentence(self) -> str:
        """The commit in one line."""
        return f"{self.commit[:10]} of {self.at:%Y-%m-%d} by {self.author}: {self.subject}"


class Suspect(Value):
    """A commit that may have to do with a failure; that it touches a file of it is no proof."""

    commit: Commit
    reason: str = ""
    """What speaks for it; empty where nothing does but its time."""

    @property
    def sentence(self) -> str:
        """The commit in one line, with what speaks for it."""
        return f"{self.commit.sentence} ({self.reason})" if self.reason else self.commit.sentence


class CodeChange(Value):
    """What was changed in the code since the last good night, as far as its repository says."""

    base: str
    """That night."""
    commits: tuple[Commit, ...] = ()
    """In the code of this night and not in that one's, the newest first."""
    more: int = Field(default=0, ge=0)
    """Older ones that are left out."""
    uncommitted: bool = False
    """Whether there are changes besides that are in no commit."""
    unknown: str = ""
    """Why the commits cannot be told; empty where they can."""
