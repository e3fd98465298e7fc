"""Senders of their own, to be killed: `sender_process.py STORE_URL SLACK_URL`, and a line `TIME KILL_AFTER_S` for each.

A sender is forked, and its process id is said; its clock shows TIME. It is killed from here after so many seconds, or
never where that is 0, and also when somebody has stopped it.
"""

import os
import signal
import sys
import time
from datetime import datetime

from recloser.notify import drain_channel
from recloser.notify.channels.slack import Slack
from recloser.store import Store
from tests.fakes.slack import FakeSlack
from tests.unit.notify.nights import HandClock


def send(store_url: str, slack_url: str, moment: str) -> None:
    """Send what is due."""
    slack = Slack(FakeSlack.channel, FakeSlack.token, url=slack_url)
    clock = HandClock(datetime.fromisoformat(moment))
    with Store.open(store_url) as store:
        drain_channel(store.outbox, "demo", "team", slack, clock=clock, limit_s=30)


def say(what: object) -> None:
    """Answer the test."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    for line in sys.stdin:
        moment, kill_after_s = line.split()
        if (pid := os.fork()) == 0:
            send(*sys.argv[1:], moment)
            os._exit(0)
        say(pid)
        if float(kill_after_s):
            time.sleep(float(kill_after_s))
            os.kill(pid, signal.SIGKILL)
        if os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        say("ended")
