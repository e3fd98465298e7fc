"""`kill -9` of a real sender at each point of the protocol, and at any moment between."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path

from recloser.values import DeliveryState
from tests.fakes.slack import FakeSlack
from tests.fakes.wire import Fault
from tests.unit.notify.nights import Office, failure

ROOT = Path(__file__).parents[3]
NAMES = tuple("abcdefgh")
COMMAND = [sys.executable, "-m", "tests.unit.notify.sender_process"]


def test_nothing_is_lost_and_nothing_comes_twice(office: Office, slack: FakeSlack, tmp_path: Path) -> None:
    """Killed before Slack took a message, after it did, after it said so, and somewhere; the next sender goes on."""
    office.tell(0, *(failure(name, owner=name) for name in NAMES))
    sender: list[Future[int]] = []

    def last(what: signal.Signals) -> Callable[[], None]:
        return lambda: os.kill(sender[-1].result(timeout=60), what)

    points = [
        [Fault("close", call=last(signal.SIGKILL))],
        [None, Fault("close", before=False, call=last(signal.SIGKILL))],
        [None, Fault("call", before=False, call=last(signal.SIGSTOP))],  # it cannot write down the answer it gets
        *([] for _ in range(4)),
    ]
    command = [*COMMAND, f"sqlite:///{tmp_path}/recloser.db", slack.url]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as senders:
        assert senders.stdin is not None
        assert senders.stdout is not None
        for number, faults in enumerate(points):
            slack.faults.extend(faults)
            sender.append(Future())
            kill_after_s = 0 if faults else random.uniform(0.001, 0.2)  # noqa: S311 - no secret
            moment = office.clock.now() + timedelta(minutes=10 * number)
            senders.stdin.write(f"{moment.isoformat()} {kill_after_s}\n")
            senders.stdin.flush()
            sender[-1].set_result(int(senders.stdout.readline()))
            assert senders.stdout.readline() == "ended\n"
    assert not slack.faults
    office.clock.at += timedelta(hours=2)
    office.send()
    assert len(slack.keys) == len(set(slack.keys)) == len(NAMES)
    deliveries = office.store.outbox.deliveries("demo")
    assert [one.state for one in deliveries] == [DeliveryState.DELIVERED] * len(NAMES)
    assert [one.key for one in deliveries] == slack.keys
