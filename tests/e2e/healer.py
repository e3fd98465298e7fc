"""The heal loop in a process of its own, without Prefect, to be killed at any moment: `python healer.py TARGET`."""

import os
import sys

from recloser.aws import connect
from recloser.healing import Narrator, open_healing, prepare, until_settled
from recloser.settings import load_settings
from recloser.store import Store
from recloser.target import load_target
from recloser.values import FixMode


def main(target: str) -> None:
    """One healing."""
    site = prepare(load_target(target), connect(load_settings()))
    with Store.open(load_settings().database_url) as store:
        healing = open_healing(site, store, Narrator(), iterations=9, fix_mode=FixMode.AUTO)
        until_settled(healing)
        healing.release()


def forked(target: str, environment: dict[str, str], said: str) -> None:
    """The same in a process forked from one that has imported all this already; its words go to a file."""
    os.environ.clear()
    os.environ.update(environment)
    words = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(words, 1)
    os.dup2(words, 2)
    main(target)


if __name__ == "__main__":
    main(sys.argv[1])
