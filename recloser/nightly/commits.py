"""What was committed between two nights, as the target's repository says."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import SecretStr

from recloser.nightly.errors import NightlyError
from recloser.nightly.repository import commit_id, git
from recloser.redaction import Redactor, clean, secrets_of, shown
from recloser.values import CodeChange, Commit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recloser.values import Cycle

MOST_COMMITS = 200
"""That are looked at, the newest."""
_MOST_FILES = 300
_TIMEOUT_S = 30.0
_NAME, _SUBJECT = 80, 160
_FIELDS = "%x01%H%x02%an%x02%aI%x02%s%x02"


def change_since(folder: Path, base: Cycle, cycle: Cycle) -> CodeChange:
    """The commits of a night's code that an earlier night's code had not.

    Args:
        folder: Of the target.
        base: The earlier night.
        cycle: The night.
    """
    told = CodeChange(base=base.cycle_id, uncommitted=cycle.code.dirty)
    if cycle.code.commit is None:
        return told.model_copy(update={"unknown": "the code under test is in no commit"})
    if base.code.commit is None or base.code.dirty:
        return told.model_copy(update={"unknown": f"night {base.cycle_id} ran on code that is in no commit"})
    try:
        between = f"{commit_id(folder, base.code.commit)}..{commit_id(folder, cycle.code.commit)}"
        asked = ("--no-merges", f"--max-count={MOST_COMMITS}", f"--format={_FIELDS}", "--name-only")
        # What a person has configured for reading must not stand between.
        plainly = ("--topo-order", "-z", "--no-renames", "--no-ext-diff", "--no-show-signature", "--no-color")
        inside = git(folder, "rev-parse", "--show-prefix", timeout_s=_TIMEOUT_S)
        log = git(folder, "log", *asked, *plainly, between, "--", timeout_s=_TIMEOUT_S)
        count = git(folder, "rev-list", "--count", "--no-merges", between, "--", timeout_s=_TIMEOUT_S)
    except NightlyError as error:
        return told.model_copy(update={"unknown": str(error)})
    commits = tuple(_commits(log, inside))
    return told.model_copy(update={"commits": commits, "more": max(int(count) - len(commits), 0)})


def _commits(log: str, inside: str) -> Iterator[Commit]:
    redact = Redactor(secrets_of({name: SecretStr(value) for name, value in os.environ.items()}))
    for entry in log.split("\x01")[1:]:
        with suppress(ValueError):  # a name that holds our separators: that commit is left out
            commit, author, at, subject, files = entry.split("\x02", 4)
            names = [name for line in files.split("\0") if (name := line.strip("\n")).startswith(inside)]
            yield Commit(
                commit=commit,
                author=shown(author, redact, limit=_NAME),
                at=datetime.fromisoformat(at),
                subject=shown(subject, redact, limit=_SUBJECT),
                files=tuple(clean(name.removeprefix(inside)) for name in names[:_MOST_FILES] if name),
            )
