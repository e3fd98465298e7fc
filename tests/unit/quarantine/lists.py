"""Quarantines to work on."""

from datetime import date
from pathlib import Path
from typing import Any

from recloser.quarantine import Quarantine, load_quarantine
from recloser.target import System
from recloser.values import QuarantineEntry

SINCE, EXPIRES = date(2026, 11, 1), date(2026, 11, 30)
WRITTEN = """\
# Tests that do not block. Every line here is somebody's promise.

# Ada works on it this week.
[[test]]
suite = "unit"
test = "tests/test_a.py::test_b"     # the one with the clock
owner = 'ada'
reason = "fails now and then"
since = 2026-11-01
expires = 2026-11-30

# --- end to end ---

[[ test ]]
suite = "unit"
test = "tests/test_c.py::test_d"
owner = "bob"
reason = \"\"\"
it says
[[test]]
# now and then\"\"\"
since = 2026-11-02
expires = 2026-11-20
evidence = { runs = 60, failures = 3, score = 0.012, mixed_states = 2, order = "victim" }
# the end
"""


def system(folder: Path, text: str | None = None, **rules: object) -> System:
    """A target with suites `unit` and `e2e`, and its quarantine as text."""
    command = ("{python}", "-m", "pytest")
    suites = {"unit": {"command": command}, "e2e": {"command": command}}
    if text is not None:
        (folder / "quarantine.toml").write_bytes(text.encode())
    return System.model_validate({"name": "demo", "folder": folder, "suites": suites, "quarantine": rules})


def loaded(folder: Path, text: str | None = None, **rules: object) -> Quarantine:
    """Its quarantine."""
    return load_quarantine(system(folder, text, **rules))


def entry(test: str = "tests/test_x.py::test_y", **fields: Any) -> QuarantineEntry:
    """An entry that is valid."""
    facts = {"suite": "unit", "owner": "ada", "reason": "flaky", "since": SINCE, "expires": EXPIRES}
    return QuarantineEntry.model_validate(facts | {"test": test} | fields)
