"""A sender of its own, to be killed: `sender_process.py STORE_URL SLACK_URL TIME`; its clock shows TIME."""

import sys
from datetime import datetime

from recloser.notify import drain_channel
from recloser.notify.channels.slack import Slack
from recloser.store import Store
from tests.fakes.slack import FakeSlack
from tests.unit.notify.nights import HandClock

if __name__ == "__main__":
    store_url, slack_url, moment = sys.argv[1:]
    slack = Slack(FakeSlack.channel, FakeSlack.token, url=slack_url)
    clock = HandClock(datetime.fromisoformat(moment))
    with Store.open(store_url) as store:
        drain_channel(store.outbox, "demo", "team", slack, clock=clock, limit_s=30)
