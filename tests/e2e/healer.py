"""The heal loop in a process of its own, without Prefect, to be killed at any moment: `python healer.py TARGET`."""

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


if __name__ == "__main__":
    main(sys.argv[1])
