"""The job's log streams in CloudWatch Logs, read only for a reason and always in bounded pieces."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from recloser.aws.errors import NotFound
from recloser.aws.translation import sensible, translated
from recloser.redaction import Redactor, shown
from recloser.values import LogLine, LogTail

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator

    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import (
        GetLogEventsRequestTypeDef,
        GetLogEventsResponseTypeDef,
        OutputLogEventTypeDef,
    )

GROUP = "/aws/batch/job"
EVENTS_PER_PAGE = 10_000
_MAX_PAGES = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LogsGateway:
    """Reads of the log groups that jobs write to."""

    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client

    def tail(self, stream: str, *, lines: int, redact: Redactor, group: str = GROUP) -> LogTail:
        """The last lines of a stream, fit to be shown.

        Args:
            stream: Name of the stream, one per attempt.
            lines: How many lines at most; memory is bounded by it.
            redact: Takes the secrets out.
            group: The stream's group, where the job definition names one.

        Returns:
            The tail; a missing stream or an empty one is told in its `note`.
        """
        kept: deque[LogLine] = deque(maxlen=lines)
        try:
            for events in self._backwards(group, stream, limit=min(lines, EVENTS_PER_PAGE)):
                kept.extendleft(reversed(_last(events, lines - len(kept), redact)))
                if len(kept) == lines:
                    break
        except NotFound:
            return LogTail(stream=stream, note=f"the log stream {stream} does not exist (yet) in {group}")
        return LogTail(stream=stream, lines=tuple(kept), note=None if kept else f"the log stream {stream} is empty")

    def window(
        self,
        stream: str,
        pattern: re.Pattern[str],
        *,
        before: int,
        after: int,
        redact: Redactor,
        group: str = GROUP,
    ) -> tuple[LogLine, ...]:
        """The lines around the last match of a pattern, sought backwards from the end.

        At most `_MAX_PAGES` pages are read, and one of them is held at a time: a log of any size costs the same
        memory.

        Args:
            stream: Name of the stream.
            pattern: What is sought, in one line.
            before: Lines kept before the match.
            after: Lines kept after it.
            redact: Takes the secrets out.
            group: The stream's group.

        Returns:
            The window, oldest line first; empty where nothing matches or there is no stream.
        """
        newer: deque[LogLine] = deque(maxlen=after)
        older: list[LogLine] | None = None
        try:
            for line in self._lines_backwards(group, stream, redact):
                if older is None:
                    newer.appendleft(line)
                    if pattern.search(line.text):
                        older = []
                elif len(older) < before:
                    older.append(line)
                else:
                    break
        except NotFound:
            return ()
        return () if older is None else (*reversed(older), *newer)

    def _lines_backwards(self, group: str, stream: str, redact: Redactor) -> Iterator[LogLine]:
        for events in self._backwards(group, stream, limit=EVENTS_PER_PAGE):
            for event in reversed(events):
                with sensible("logs", "GetLogEvents"):
                    lines = list(_lines_of([event], redact))
                yield from reversed(lines)

    def follow(self, stream: str, token: str | None, *, redact: Redactor) -> tuple[tuple[LogLine, ...], str | None]:
        """One page of lines that are new since a token.

        Args:
            stream: Name of the stream.
            token: What the previous call returned; None starts at the stream's beginning.
            redact: Takes the secrets out.

        Returns:
            The new lines and the token for the next call; nothing and None while the stream does not exist.
        """
        try:
            page = self._page(GROUP, stream, token, from_head=True, limit=EVENTS_PER_PAGE)
        except NotFound:
            return (), None
        with sensible("logs", "GetLogEvents"):
            return tuple(_lines_of(page["events"], redact)), page["nextForwardToken"]

    def _backwards(self, group: str, stream: str, *, limit: int) -> Iterator[list[OutputLogEventTypeDef]]:
        """Pages from the end of a stream to its beginning, which is reached when the token repeats."""
        token: str | None = None
        for _ in range(_MAX_PAGES):
            page = self._page(group, stream, token, from_head=False, limit=limit)
            with sensible("logs", "GetLogEvents"):
                yield page["events"]
                before = page["nextBackwardToken"]
            if before == token:
                return
            token = before

    @translated("logs", "GetLogEvents")
    def _page(
        self, group: str, stream: str, token: str | None, *, from_head: bool, limit: int
    ) -> GetLogEventsResponseTypeDef:
        request: GetLogEventsRequestTypeDef = {
            "logGroupName": group,
            "logStreamName": stream,
            "startFromHead": from_head,
            "limit": limit,
        }
        if token:
            request["nextToken"] = token
        return self._client.get_log_events(**request)


def _last(events: list[OutputLogEventTypeDef], count: int, redact: Redactor) -> list[LogLine]:
    """The last lines of a page, oldest first; nothing older than needed is looked at."""
    newest_first: list[LogLine] = []
    with sensible("logs", "GetLogEvents"):
        for event in reversed(events):
            newest_first += reversed(list(_lines_of([event], redact)))
            if len(newest_first) >= count:
                break
    return newest_first[:count][::-1]


def _lines_of(events: Iterable[OutputLogEventTypeDef], redact: Redactor) -> Iterator[LogLine]:
    """An event's lines; a log driver that sends several as one event is taken apart."""
    for event in events:
        at = _EPOCH + timedelta(milliseconds=event["timestamp"])
        for line in event["message"].split("\n"):
            yield LogLine(at=at, text=shown(line, redact))
