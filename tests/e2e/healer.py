"""The heal loops in a process of their own, without Prefect, to be killed at any moment.

`python healer.py TARGET [minimise | ID,ID…]`: heal the job; find its minimal fix as well; or heal jobs that failed.
"""

import multiprocessing
import os
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

from recloser.aws import connect
from recloser.healing import (
    Narrator,
    Selection,
    find_failures,
    open_fleet,
    open_healing,
    prepare,
    unfinished_fleet,
    until_minimal,
    until_settled,
)
from recloser.settings import load_settings
from recloser.store import Store
from recloser.target import load_target
from recloser.values import FixMode

ALONE = {"iterations": 9, "fix_mode": FixMode.AUTO}


def main(target: str, what: str = "") -> None:
    """One healing."""
    site = prepare(load_target(target), connect(load_settings()))
    with Store.open(load_settings().database_url) as store:
        if what in {"", "minimise"}:
            healing = open_healing(site, store, Narrator(), **ALONE, minimise=bool(what))
            until_settled(healing)
            until_minimal(healing)
            healing.release()
            return
        left = unfinished_fleet(site, store)
        groups = find_failures(site, store, Selection(job_ids=tuple(what.split(",")))).groups
        for group in (*([left] if left else []), *groups):
            healing = open_fleet(site, store, Narrator(), group, **ALONE)
            until_settled(healing)
            if healing.resubmit_others():
                healing.watch_others()
            healing.release()


def fork(target: Path, environment: dict[str, str], said: Path, what: str = "") -> BaseProcess:
    """Begin one in a process of its own, forked from one that has imported all this, so that each start is cheap."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.e2e.healer"])
    healer = forks.Process(target=_forked, args=(str(target), environment, str(said), what), daemon=True)
    healer.start()
    return healer


def _forked(target: str, environment: dict[str, str], said: str, what: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    words = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(words, 1)
    os.dup2(words, 2)
    main(target, what)


if __name__ == "__main__":
    main(*sys.argv[1:])
