"""A job's output to CloudWatch Logs as it appears.

The output is a file in the attempt's folder, so a slow or absent log service never holds up the job: the file is the
queue, and it is read again where the last delivery ended. One writer for each stream keeps the order.
"""

from __future__ import annotations

import asyncio
import logging
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
_LAST_WORDS_S = 5.0
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
        self.lost = 0
        self._clients = clients
        self._region = region
        self._stream = stream
        self._output = output
        self._offset = 0
        self._lines = Lines()
        self._undelivered: list[str] = []
        self._ended = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._ship())

    async def finish(self) -> None:
        """Deliver the rest; wait for that no longer than seconds."""
        self._ended.set()
        try:
            await asyncio.wait_for(self._task, _LAST_WORDS_S)
        except TimeoutError:
            self.lost = len(self._undelivered)
            _LOG.warning("log stream %s: the end of the output was not delivered in time", self._stream)

    async def _ship(self) -> None:
        while not self._ended.is_set():
            await self._pause()
            if self._output.stat().st_size > self._offset or self._undelivered:
                await asyncio.to_thread(self._deliver)
        await self._ship_rest()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._ended.wait(), _FLUSH_S)
        except TimeoutError:
            return

    async def _ship_rest(self) -> None:
        if self._output.stat().st_size == 0:
            return
        while not await asyncio.to_thread(self._deliver):
            await asyncio.sleep(_FLUSH_S)
        self._undelivered += self._lines.finish()
        while not await asyncio.to_thread(self._deliver):
            await asyncio.sleep(_FLUSH_S)

    def _deliver(self) -> bool:
        """Send everything the file has; False when the service would not take it."""
        with self._output.open("rb") as output:
            output.seek(self._offset)
            while True:
                if not self._send():
                    return False
                piece = output.read(_PIECE)
                if not piece:
                    return True
                self._offset += len(piece)
                self._undelivered = self._lines.feed(piece)

    def _send(self) -> bool:
        logs = self._clients.get("logs", self._region)
        for batch in list(batches(self._undelivered)):
            try:
                self._put(logs, batch)
            except (BotoCoreError, ClientError) as error:
                _LOG.warning("log stream %s: %s", self._stream, error)
                return False
            del self._undelivered[: len(batch)]
        return True

    def _put(self, logs: Any, batch: list[str]) -> None:
        at = now_ms()
        events = [{"timestamp": at, "message": message} for message in batch]
        try:
            logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=self._stream, logEvents=events)
        except logs.exceptions.ResourceNotFoundException:
            create_stream(self._clients, self._region, self._stream)
            raise
