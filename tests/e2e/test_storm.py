"""The heal loop while the sandbox does everything at once that AWS is known to do to its clients."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from recloser import processes
from recloser.values import ChangeState, Verdict
from tests.e2e.conftest import event_queue
from tests.e2e.healer import main
from tests.e2e.line import CHANGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.line import Line

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(300)]

STORM: dict[str, float] = {
    "throttle_tps": 50,
    "api_error_percent": 10,
    "slow_answer_s": 0.02,
    "describe_lag_s": 1,
    "list_lag_s": 0.4,
    "forget_after_s": 5,
    "state_delay_s": 0.1,
    "event_duplicate_percent": 50,
    "event_reorder_percent": 50,
    "event_loss_percent": 10,
    "event_delay_s": 0.4,
    "host_loss": 1,
    "spot_interruption": 1,
    # of the attempt that is lost with its host: nothing but its log tells an ordinary failure
    "log_stream_missing": 1,
    "image_pull_failure": 1,
    "time_scale": 2,
}
COUNTED = {"host_loss", "spot_interruption", "log_stream_missing", "image_pull_failure"}
NEIGHBOURS = 4
HEALER = Path(__file__).parent / "healer.py"
LIMIT_S = 90


class Neighbours:
    """Other clients of the same account, who use up its calls."""

    def __init__(self, line: Line) -> None:
        batch: Any = line.sandbox.session().client("batch", endpoint_url=line.sandbox.admin["AWS_ENDPOINT_URL_BATCH"])
        self._describe = batch.describe_job_queues
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(NEIGHBOURS)]

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _call(self) -> None:
        while not self._over.wait(0.01):
            try:
                self._describe()
            except ClientError:
                continue


@pytest.fixture
def queue(own_line: Line) -> Iterator[str]:
    """A queue that gets the events of Batch, declared to the line."""
    with event_queue(own_line.sandbox, "storm") as url:
        own_line.declare("watch = { ", f'watch = {{ event_queue = "{url}", sweep_s = 2, ')
        own_line.declare("[guardrails]", "[guardrails]\nretry = { base_s = 0.1 }")
        own_line.allow()
        yield url
        own_line.sandbox.sandbox.faults(clear=True)


def test_every_fault_at_once_changes_no_outcome(own_line: Line, queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Healed by the same changes and plain retries, each attempt one job, each job run at most once."""
    for name, value in own_line.environment.items():
        monkeypatch.setenv(name, value)
    answers: Counter[int] = Counter()
    send = URLLib3Session.send

    def counted(session: URLLib3Session, request: Any) -> Any:
        answer = send(session, request)
        answers[answer.status_code] += 1
        return answer

    own_line.sandbox.sandbox.faults(**STORM)
    with Neighbours(own_line):
        monkeypatch.setattr(URLLib3Session, "send", counted)
        main(str(own_line.target))
        monkeypatch.undo()
    in_force = own_line.sandbox.sandbox.faults()
    assert {name for name in STORM if name not in in_force} == COUNTED
    own_line.sandbox.sandbox.faults(clear=True)
    (incident,) = own_line.incidents()
    live = [change.remedy for change in incident.changes if change.state is ChangeState.VERIFIED]
    assert incident.verdict is Verdict.HEALED, incident.reason
    retries = [remedy for remedy in live if remedy.startswith("retry_")]
    assert [remedy for remedy in live if remedy not in {"grant_permission", *retries}] == CHANGES
    assert live.count("grant_permission") == 1
    assert len(retries) >= 2
    assert len(incident.attempts) == len(live) + 1
    assert {change.state for change in incident.changes} == {ChangeState.VERIFIED}
    own_line.assert_nothing_twice()
    assert answers[429] > 0
    assert answers[500] > 0


def test_jobs_that_vanish_as_they_end_are_known_from_their_events(own_line: Line, queue: str) -> None:
    """Also the one that ended while its healer was dead: the next one reads of it and goes on."""
    sandbox = own_line.sandbox.sandbox
    sandbox.faults(forget_after_s=0.01, state_delay_s=1)
    before = Counter(sandbox.status().jobs)
    words = (sys.executable, str(HEALER), str(own_line.target))
    killed = own_line.command(*words)
    assert processes.wait_until(lambda: _has_submitted(own_line), LIMIT_S)
    killed.kill()
    killed.wait()
    assert processes.wait_until(lambda: sandbox.status().jobs == before + Counter(FAILED=1), LIMIT_S)
    assert own_line.command(*words).wait(LIMIT_S) == 0, own_line.said.read_text()[-3000:]
    sandbox.faults(clear=True)
    own_line.assert_sound()


def _has_submitted(line: Line) -> bool:
    """Whether the id of the first attempt's job is written down."""
    if not (line.folder / "home" / "recloser.db").exists():
        return False
    incidents = line.incidents()
    return bool(incidents and incidents[0].attempts and incidents[0].attempts[0].job_id)
