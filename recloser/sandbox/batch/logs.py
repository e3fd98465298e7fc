"""A job's output to CloudWatch Logs as it appears.

The output is a file in the attempt's folder, so a slow or absent log service never holds up the job: the file is the
queue, and it is read on where the last delivery ended. One writer for each stream keeps the order.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from recloser.sandbox.batch.lines import Lines, batches
from recloser.sandbox.batch.model import now_ms
from recloser.sandbox.bootstrap import LOG_GROUP, ensure_log_group

if TYPE_CHECKING:
    from pathlib import Path

    from recloser.sandbox.clients import Clients

_FLUSH_S = 0.1
_PIECE = 256 * 1024
_LAST_WORDS_S = 10.0
_LOG = logging.getLogger(__name__)


def create_stream(clients: Clients, region: str, stream: str) -> None:
    """Make the stream of an attempt, and the group should somebody have deleted it; a failure is only noted."""
    logs = clients.get("logs", region)
    try:
        try:
            logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)
        except logs.exceptions.ResourceNotFoundException:
            ensure_log_group(logs)
            logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)
    except (BotoCoreError, ClientError) as error:
        _LOG.warning("log stream %s could not be made: %s", stream, error)


class Shipper:
    """Delivers one output file to one stream."""

    def __init__(self, clients: Clients, region: str, stream: str, output: Path) -> None:
        self._clients = clients
        self._region = region
        self._stream = stream
        # Held open: the job may remove or rename the file.
        self._output = os.open(output, os.O_RDONLY)
        self._offset = 0
        self._lines = Lines()
        self._pending: list[str] = []
        self._ended = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._ship())

    async def finish(self) -> None:
        """Deliver the rest; wait for that no longer than seconds. A failure is only noted."""
        self._ended.set()
        try:
            await asyncio.wait_for(self._task, _LAST_WORDS_S)
        except TimeoutError:
            _LOG.warning("log stream %s: the end of the output was not delivered in time", self._stream)
        finally:
            os.close(self._output)

    async def _ship(self) -> None:
        while not await self._end_within(_FLUSH_S):
            if self._has_more():
                await asyncio.to_thread(self._deliver)
        if not self._has_more() and not self._lines.unfinished:
            return
        await self._insist()
        self._pending += self._lines.finish()
        await self._insist()

    async def _end_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._ended.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _has_more(self) -> bool:
        return bool(self._pending) or os.fstat(self._output).st_size > self._offset

    async def _insist(self) -> None:
        delivered = await asyncio.to_thread(self._deliver)
        while not delivered:
            await asyncio.sleep(_FLUSH_S)
            delivered = await asyncio.to_thread(self._deliver)

    def _deliver(self) -> bool:
        """Send all there is; False when the service would not take it."""
        while self._send():
            piece = os.pread(self._output, _PIECE, self._offset)
            if not piece:
                return True
            self._offset += len(piece)
            self._pending = self._lines.feed(piece)
        return False

    def _send(self) -> bool:
        logs = self._clients.get("logs", self._region)
        for batch in list(batches(self._pending)):
            try:
                self._put(logs, batch)
            except (BotoCoreError, ClientError) as error:
                _LOG.warning("log stream %s: %s", self._stream, error)
                return False
            del self._pending[: len(batch)]
        return True

    def _put(self, logs: Any, batch: list[str]) -> None:
        at = now_ms()
        events = [{"timestamp": at, "message": message} for message in batch]
        try:
            logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=self._stream, logEvents=events)
        except logs.exceptions.ResourceNotFoundException:
            create_stream(self._clients, self._region, self._stream)
            raise
