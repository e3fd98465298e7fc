"""Did memory run out, or does a log only say so? A size is changed on proof, never on a word.

Anybody can print `MemoryError`, and a program that caught one goes on. It is proven by a reason of Batch, by the
kernel's SIGKILL, by a measured peak at the limit, or by a runtime's own last words: an uncaught error after which
nothing but its traces comes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from recloser.diagnosis import symptoms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recloser.healing.remedies.change import Case

_SIGKILL: Final = frozenset({137, 9, -9})
_REASONS: Final = frozenset({"status reason", "container reason"})
_TRACEBACK: Final = re.compile(r"\bTraceback \(most recent call last\)", re.IGNORECASE)
_FRAMES: Final = 400
# How runtimes end for want of memory: C++, Go and V8, JVM, R, Rust, bash, the kernel (batch-failures S106).
_LAST_WORDS: Final = re.compile(
    r"terminate called after throwing|what\(\): +std::bad_alloc|^fatal error\b|exception in thread|"
    r"terminating due to java\.lang\.OutOfMemoryError|cannot allocate vector of size|"
    r"memory allocation of \d+ bytes failed|line \d+: +\d* *killed\b|killed process|\boom[-_ ]kill",
    re.IGNORECASE,
)
# What they leave behind it: frames, and what a shell says of the end.
_TRACES: Final = re.compile(
    r"^\s|^\s*$|^\d+: 0x|^#\d+ |^at |^goroutine |^what\(\):|^(calls|execution halted|aborted|killed)\b|core dumped|"
    r"^(ba|da)?sh: ",
    re.IGNORECASE,
)


def ran_out_of_memory(case: Case) -> bool:
    """Whether the failure that was diagnosed as out of memory is proven to be one."""
    evidence = case.diagnosis.evidence
    if any(line.source in _REASONS for line in evidence) or case.evidence.job.last_attempt.exit_code in _SIGKILL:
        return True
    if "peak_mib" in case.diagnosis.facts:
        return True
    lines = symptoms_of(case.evidence).log_lines
    said = {line.text for line in evidence if line.source == "log"}
    last = max((at for at, line in enumerate(lines) if line in said), default=None)
    if last is None or not all(map(_TRACES.search, lines[last + 1 :])):
        return False
    return _LAST_WORDS.search(lines[last]) is not None or _ends_a_traceback(lines, last)


def _ends_a_traceback(lines: Sequence[str], at: int) -> bool:
    """Whether this line is the error of a Python traceback: its frames, indented, stand directly above it."""
    above = at - 1
    while above >= max(0, at - _FRAMES) and lines[above].startswith(" "):
        above -= 1
    return 0 <= above < at - 1 and _TRACEBACK.search(lines[above]) is not None
