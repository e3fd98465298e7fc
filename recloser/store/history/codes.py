"""Words that are stored as numbers: their place in these lists, which therefore only ever grow at their end."""

from datetime import UTC, datetime, timedelta

from recloser.values import Phase, TestStatus

STATUSES: tuple[TestStatus, ...] = (
    TestStatus.PASSED,
    TestStatus.FAILED,
    TestStatus.ERROR,
    TestStatus.SKIPPED,
    TestStatus.XFAILED,
    TestStatus.XPASSED,
    TestStatus.CRASHED,
    TestStatus.TIMED_OUT,
    TestStatus.NOT_RUN,
)
PHASES: tuple[Phase, ...] = (Phase.COLLECT, Phase.SETUP, Phase.CALL, Phase.TEARDOWN)

CODE_OF_STATUS = {status: code for code, status in enumerate(STATUSES)}
CODE_OF_PHASE = {phase: code for code, phase in enumerate(PHASES)}
FAILURES = tuple(code for code, status in enumerate(STATUSES) if status.is_failure)
PASSES = tuple(code for code, status in enumerate(STATUSES) if status.is_pass)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """A moment as microseconds since 1970; one without a zone is read as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND


def moment_of(microseconds: int) -> datetime:
    """The moment, in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)
