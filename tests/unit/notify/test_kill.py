"""`kill -9` of a real sender at each point of the protocol, and at any moment between."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Timer

from recloser.values import DeliveryState
from tests.fakes.slack import FakeSlack
from tests.fakes.wire import Fault
from tests.unit.notify.nights import Office, failure

MODULE = "tests.unit.notify.sender_process"
ROOT = Path(__file__).parents[3]


def ended_by(sender: subprocess.Popen[bytes]) -> None:
    """Wait until it is dead, or stopped and then killed."""
    _, status = os.waitpid(sender.pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        sender.kill()
        sender.wait()
    else:
        sender.returncode = os.waitstatus_to_exitcode(status)


def test_nothing_is_lost_and_nothing_comes_twice(office: Office, slack: FakeSlack, tmp_path: Path) -> None:
    """Killed before Slack took a message, after it did, after it said so, and somewhere; the next sender goes on."""
    office.tell(0, *(failure(name, owner=name) for name in ("ann", "bob", "cid", "dan")))
    senders: list[subprocess.Popen[bytes]] = []

    def last(what: signal.Signals) -> Callable[[], None]:
        return lambda: senders[-1].send_signal(what)

    def at_some_moment() -> None:
        Timer(random.uniform(0, 0.1), last(signal.SIGKILL)).start()  # noqa: S311 - no secret

    points = [
        [Fault("close", call=last(signal.SIGKILL))],
        [None, Fault("close", before=False, call=last(signal.SIGKILL))],
        [None, Fault("call", before=False, call=last(signal.SIGSTOP))],  # it has the answer, and cannot write it down
        [None, Fault("call", call=at_some_moment)],
    ]
    for number, faults in enumerate(points):
        slack.faults.extend(faults)
        moment = office.clock.now() + timedelta(minutes=10 * number)
        command = [sys.executable, "-m", MODULE, f"sqlite:///{tmp_path}/recloser.db", slack.url, moment.isoformat()]
        senders.append(subprocess.Popen(command, cwd=ROOT))
        ended_by(senders[-1])
    slack.faults.clear()
    office.clock.at += timedelta(hours=2)
    office.send()
    assert len(slack.keys) == len(set(slack.keys)) == 4
    deliveries = office.store.outbox.deliveries("demo")
    assert [one.state for one in deliveries] == [DeliveryState.DELIVERED] * 4
    assert [one.key for one in deliveries] == slack.keys
