"""A job's output to CloudWatch Logs as it appears, every line once.

The output is a file in the attempt's folder, so a slow or absent log service never holds up the job: the file is the
queue. What the stream holds already is asked of the stream itself whenever it is not certain: after an answer that
never came, after a restart of MiniStack, and when an earlier endpoint shipped the beginning. One writer for each
stream keeps the order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from typing import TYPE_CHECKING, Any

from recloser.sandbox.batch.lines import Lines, batches
from recloser.sandbox.batch.model import now_ms
from recloser.sandbox.bootstrap import LOG_GROUP
from recloser.sandbox.wire import RefusedError, WireError

if TYPE_CHECKING:
    from recloser.sandbox.wire import Wire

_FLUSH_S = 0.1
_PIECE = 64 * 1024
_PAGE = 1_000
_LAST_WORDS_S = 10.0
_LOG = logging.getLogger(__name__)


class MissingGroupError(Exception):
    """The group that a definition names does not exist; only Batch's own is made when it is missing."""


class LogService:
    """CloudWatch Logs as far as jobs need it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.life = 0
        """Which life of MiniStack this is: a new one may know less than the last."""
        self._withheld: set[str] = set()

    def withhold(self, stream: str) -> None:
        """Have a stream never come to exist, and what is written to it be lost: a fault."""
        self._withheld.add(stream)

    def restarted(self) -> None:
        """MiniStack was restarted: whoever writes to a stream must ask what it still holds."""
        self.life += 1

    async def create(self, region: str, stream: str, group: str = LOG_GROUP, *, make_group: bool = False) -> None:
        """Make the stream of an attempt; any other failure than the group's absence is only noted.

        Args:
            region: Where.
            stream: Its name.
            group: Its group; Batch's own is made, should somebody have deleted it.
            make_group: Whether another group is made as well.

        Raises:
            MissingGroupError: There is no such group.
        """
        if stream in self._withheld:
            return
        try:
            try:
                await self._create(region, group, stream)
            except RefusedError as error:
                if error.code != "ResourceNotFoundException":
                    raise
                if group != LOG_GROUP and not make_group:
                    raise MissingGroupError(group) from error
                await self._call(region, "CreateLogGroup", logGroupName=group)
                await self._create(region, group, stream)
        except (RefusedError, WireError) as error:
            _LOG.warning("log stream %s could not be made: %s", stream, error)

    async def _create(self, region: str, group: str, stream: str) -> None:
        await self._call(region, "CreateLogStream", logGroupName=group, logStreamName=stream)

    async def put(self, region: str, stream: str, messages: list[str], group: str = LOG_GROUP) -> None:
        """Append messages.

        Raises:
            RefusedError: They were not appended.
            WireError: Nobody knows whether they were.
        """
        if stream in self._withheld:
            return
        at = now_ms()
        events = [{"timestamp": at, "message": message} for message in messages]
        await self._call(region, "PutLogEvents", logGroupName=group, logStreamName=stream, logEvents=events)

    async def count(self, region: str, stream: str, group: str = LOG_GROUP) -> int:
        """How many messages the stream holds; none when there is no stream.

        Raises:
            WireError: No answer.
        """
        request: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "limit": _PAGE}
        found = 0
        try:
            while (page := await self._call(region, "GetLogEvents", startFromHead=True, **request))["events"]:
                found += len(page["events"])
                request["nextToken"] = page["nextForwardToken"]
        except RefusedError as error:
            if error.code != "ResourceNotFoundException":
                raise
            return 0
        return found

    async def _call(self, region: str, operation: str, **request: Any) -> dict[str, Any]:
        return await self._wire.call("logs", region, f"Logs_20140328.{operation}", request)


class Shipper:
    """Delivers one output file to one stream."""

    def __init__(
        self,
        service: LogService,
        region: str,
        stream: str,
        output: str,
        *,
        group: str = LOG_GROUP,
        fresh: bool = True,
    ) -> None:
        """Begin.

        Args:
            service: The log service.
            region: Region of the stream.
            stream: Its name.
            output: The file.
            group: The stream's group.
            fresh: Whether the stream is certain to be empty.
        """
        self._service = service
        self._region = region
        self._stream = stream
        self._group = group
        # Held open: the job may remove or rename the file.
        self._output = os.open(output, os.O_RDONLY | os.O_CREAT, 0o600)
        self._certain = fresh
        self._life = service.life
        self._begin_again(0)
        self._delivery: asyncio.Task[None] | None = None
        self._look_later()

    def _begin_again(self, delivered: int) -> None:
        self._offset = 0
        self._lines = Lines()
        self._pending: list[str] = []
        self._delivered = delivered

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_FLUSH_S, self._look)

    def _look(self) -> None:
        if self._has_more():
            self._delivery = asyncio.get_running_loop().create_task(self._deliver_and_look())
        else:
            self._look_later()

    async def _deliver_and_look(self) -> None:
        await self._deliver()
        self._delivery = None
        self._look_later()

    async def finish(self) -> None:
        """Deliver the rest; wait for that no longer than seconds. A failure is only noted."""
        try:
            async with asyncio.timeout(_LAST_WORDS_S):
                if self._delivery is not None:
                    await self._delivery
                self._timer.cancel()
                while not await self._deliver(last=True):  # noqa: ASYNC110 - the service is waited for
                    await asyncio.sleep(_FLUSH_S)
        except TimeoutError:
            _LOG.warning("log stream %s: the end of the output was not delivered in time", self._stream)
        finally:
            self._timer.cancel()
            os.close(self._output)

    async def _deliver(self, *, last: bool = False) -> bool:
        """Send all there is; False when the service would not take it."""
        try:
            if self._has_more() or (last and self._lines.unfinished):
                await self._make_certain()
                await self._send_all(last=last)
        except (RefusedError, WireError) as error:
            _LOG.warning("log stream %s: %s", self._stream, error)
            return False
        return True

    def _has_more(self) -> bool:
        return bool(self._pending) or os.fstat(self._output).st_size > self._offset

    async def _make_certain(self) -> None:
        life = self._service.life
        if not self._certain or self._life != life:
            self._begin_again(await self._service.count(self._region, self._stream, self._group))
            self._certain, self._life = True, life

    async def _send_all(self, *, last: bool) -> None:
        await self._send()
        while piece := os.pread(self._output, _PIECE, self._offset):
            self._offset += len(piece)
            self._take(self._lines.feed(piece))
            await self._send()
        if last:
            self._take(self._lines.finish())
            await self._send()

    def _take(self, messages: list[str]) -> None:
        """Put what the stream does not hold yet into the queue."""
        known = min(self._delivered, len(messages))
        self._delivered -= known
        self._pending += messages[known:]

    async def _send(self) -> None:
        for batch in list(batches(self._pending)):
            try:
                await self._service.put(self._region, self._stream, batch, self._group)
            except WireError:
                self._certain = False
                raise
            except RefusedError as error:
                if error.code == "ResourceNotFoundException":  # gone with all it held; this file holds it still
                    with contextlib.suppress(MissingGroupError):
                        await self._service.create(self._region, self._stream, self._group)
                    self._certain = False
                raise
            del self._pending[: len(batch)]
