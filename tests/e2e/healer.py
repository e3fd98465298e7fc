"""The heal loop in a process of its own, without Prefect, to be killed at any moment: `python healer.py TARGET`."""

import sys

from recloser.aws import connect
from recloser.healing import Narrator, open_healing, prepare
from recloser.settings import load_settings
from recloser.store import Store
from recloser.target import load_target
from recloser.values import FixMode


def main(target: str) -> None:
    """The flow's loop."""
    site = prepare(load_target(target), connect(load_settings()))
    with Store.open(load_settings().database_url) as store:
        healing = open_healing(site, store, Narrator(), iterations=9, fix_mode=FixMode.AUTO)
        while healing.goes_on:
            healing.submit()
            evidence = healing.collect(healing.watch())
            if not healing.goes_on:
                break
            diagnosis = healing.diagnose(evidence)
            while healing.goes_on:
                planned = healing.plan(evidence, diagnosis)
                if planned and healing.apply(planned):
                    break
        healing.release()


if __name__ == "__main__":
    main(sys.argv[1])
