"""A run of its own: starts the services of a folder, says when they are up, and waits to be ended or killed."""

import sys
from pathlib import Path

from recloser.services import Supervisor
from recloser.target import load_system

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with Supervisor(load_system(folder), home=folder / "home") as supervisor:
        supervisor.start()
        for run in supervisor.results():
            print(run.model_dump_json(), flush=True)  # noqa: T201 - read by the test
        sys.stdin.read()
