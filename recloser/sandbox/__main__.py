"""`python -m recloser.sandbox serve`: the daemon that `up` starts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from recloser.sandbox.errors import SandboxError
from recloser.sandbox.serve import serve
from recloser.sandbox.state import StateDir


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m recloser.sandbox")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("serve")
    command.add_argument("--state-dir", type=Path, required=True)
    command.add_argument("--stop-grace-s", type=float, default=30.0)
    command.add_argument("--memory-guard", choices=["auto", "poller"], default="auto")
    command.add_argument("--retention-s", type=float, default=86_400.0)
    arguments = parser.parse_args()
    state = StateDir(arguments.state_dir.resolve())
    try:
        serve(
            state,
            stop_grace_s=arguments.stop_grace_s,
            memory_guard=arguments.memory_guard,
            retention_s=arguments.retention_s,
        )
    except SandboxError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
