"""What an ended attempt shows, as the diagnosis reads it: texts by field, and an exit code.

Texts come from jobs and services and may be anything: they are cut, freed of control characters and given straight
quotes here, once, so that no pattern has to think of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recloser.values import Evidence

LINE_LIMIT = 4_000
"""Characters of one line that are read: its head and, because the cause often stands last, its tail."""
HEAD_LINES, TAIL_LINES = 1_000, 10_000
"""Lines of a log that are read: the first ones, where a start fails, and the last ones."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_BREAKS = re.compile(r"[\r\n]+")
_CONTROL = dict.fromkeys([*range(32), *range(0x7F, 0xA0)], " ")
_SINGLE_QUOTES = dict.fromkeys((0x2018, 0x2019, 0x201B, 0x60, 0xB4), "'")
_DOUBLE_QUOTES = dict.fromkeys((0x201C, 0x201D, 0x201E), '"')
_TABLE = {**_CONTROL, **_SINGLE_QUOTES, **_DOUBLE_QUOTES, 0x2026: "..."}


@dataclass(frozen=True)
class Symptoms:
    """The texts of one attempt, oldest log line first; what is absent is None or empty."""

    status_reason: str | None = None
    container_reason: str | None = None
    exit_code: int | None = None
    log: tuple[str, ...] = ()
    stopped: bool = False
    """Batch says that the job was cancelled or terminated by a request."""
    outputs: tuple[str, ...] = ()
    """What is wrong with the declared outputs of an attempt that exited 0."""

    @cached_property
    def status_lines(self) -> tuple[str, ...]:
        """The status reason, ready to be searched."""
        return plain_lines(self.status_reason)

    @cached_property
    def container_lines(self) -> tuple[str, ...]:
        """The container reason, ready to be searched; one that only repeats the status reason is no evidence."""
        lines = plain_lines(self.container_reason)
        return () if _same(lines, self.status_lines) else lines

    @cached_property
    def log_lines(self) -> tuple[str, ...]:
        """The log, or head and tail of a long one, ready to be searched."""
        if len(self.log) <= HEAD_LINES + TAIL_LINES:
            return tuple(map(plain, self.log))
        return tuple(map(plain, (*self.log[:HEAD_LINES], *self.log[-TAIL_LINES:])))

    @property
    def gaps(self) -> tuple[str, ...]:
        """What of the log was not read."""
        left_out = len(self.log) - HEAD_LINES - TAIL_LINES
        return (f"log: {left_out:,} lines between the first {HEAD_LINES:,} and the last {TAIL_LINES:,}",) * (
            left_out > 0
        )


_BY_THE_QUEUE = "JobStateTimeLimit"
"""A queue that ends what waits too long is no person: its words name the reason (batch-failures section 7.2)."""


def symptoms_of(evidence: Evidence) -> Symptoms:
    """What collected evidence shows of its last attempt."""
    job, attempt = evidence.job, evidence.job.last_attempt
    said = _joined(attempt.status_reason, job.status_reason)
    return Symptoms(
        status_reason=said,
        container_reason=attempt.container_reason,
        exit_code=attempt.exit_code,
        log=tuple(line.text for line in evidence.log.lines),
        stopped=(job.is_terminated or job.is_cancelled) and _BY_THE_QUEUE not in (said or ""),
        outputs=tuple(f"{check.uri}: {check.detail}" for check in evidence.outputs if not check.ok),
    )


def plain(text: str) -> str:
    """One line without colours and control characters, with straight quotes, no longer than `LINE_LIMIT`."""
    if len(text) > LINE_LIMIT:
        text = f"{text[: LINE_LIMIT // 2]} ... {text[-LINE_LIMIT // 2 :]}"
    if text.isascii() and text.isprintable() and "`" not in text and "\\" not in text:
        return text
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    return text.translate(_TABLE).replace("\\", "")


def plain_lines(text: str | None) -> tuple[str, ...]:
    """A reason as one line: services break it where they please."""
    return (plain(_BREAKS.sub(" ", text[: 2 * LINE_LIMIT])),) if text and text.strip() else ()


def _same(left: Iterable[str], right: Iterable[str]) -> bool:
    return [line.strip(" .").lower() for line in left] == [line.strip(" .").lower() for line in right]


def _joined(*reasons: str | None) -> str | None:
    return " ".join(dict.fromkeys(reason for reason in reasons if reason)) or None
