"""What is started: the suite's command with its placeholders filled in, our plugin, and a clean environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recloser.target import Suite

PLUGIN = "recloser_inside"
_PACKAGE = "recloser_within"
_INSIDE = Path(__file__).parent / "inside"
# Of a pytest or a coverage that runs us: a suite is no part of it.
_NOT_INHERITED = ("PYTEST_XDIST_", "PYTEST_CURRENT_TEST", "PYTEST_VERSION", "COV_CORE_", "COVERAGE_PROCESS_")


def interpreter(suite: Suite, folder: Path) -> str:
    """The interpreter that `{python}` stands for."""
    if suite.python is None:
        return sys.executable
    return str(folder / suite.python) if "/" in suite.python else suite.python


def command_line(suite: Suite, folder: Path, junit: Path, arguments: Sequence[str] = ()) -> list[str]:
    """The suite's command, filled in; what is added comes last, but before what the command says is no option."""
    filled = [
        argument.replace("{python}", interpreter(suite, folder)).replace("{junit}", str(junit))
        for argument in suite.command
    ]
    at = filled.index("--") if "--" in filled else len(filled)
    return [*filled[:at], *arguments, *filled[at:]]


def base_environment(suite: Suite, more: Mapping[str, str]) -> dict[str, str]:
    """Recloser's own environment without what a surrounding test run put there, and what the suite declares."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    return own | dict(more) | suite.environment


def with_plugin(environment: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """The same, so that `-p recloser_inside` is found: a private folder on the path that holds nothing else."""
    path = scratch / "path"
    if not path.exists():
        path.mkdir()
        # pytest compiles anew what lies below a plugin's name, to rewrite its assertions: all of ours has another name.
        (path / _PACKAGE).symlink_to(_INSIDE, target_is_directory=True)
        (path / f"{PLUGIN}.py").write_text(f"from {_PACKAGE} import *\n", encoding="utf-8")
    before = environment.get("PYTHONPATH", "")
    return dict(environment) | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(path), before])),
        "RECLOSER_PATH_BEFORE": before,
    }
