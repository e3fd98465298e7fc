"""STS, handed on to MiniStack as it came: that is how the endpoint learns whose session a key belongs to.

MiniStack names a session only when it refuses it something; one that may do everything would stay without a name, and
no policy could be judged for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route

from recloser.sandbox.batch.forwarding import hand_on
from recloser.sandbox.batch.model import BatchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from recloser.sandbox.connections import Answer, Connections

_KEY: Final = re.compile(rb"<AccessKeyId>\s*(\w+)\s*</AccessKeyId>")
_ARN: Final = re.compile(rb"<AssumedRoleUser>.*?<Arn>\s*([^<\s]+)\s*</Arn>", re.DOTALL)
_SHOWN: Final[tuple[str, ...]] = ("content-type", "x-amzn-requestid")


class Sts:
    """The route of STS; used from the event loop."""

    def __init__(self, connections: Connections, learn: Callable[[str, str], None]) -> None:
        """Hand nothing on yet.

        Args:
            connections: To MiniStack.
            learn: Told the access key and the ARN of every session that is handed out.
        """
        self._connections = connections
        self._learn = learn

    def routes(self) -> list[Route]:
        """What is served at which path: STS has but one."""
        return [Route("/", self.call, methods=["GET", "POST"])]

    async def call(self, request: Request) -> Response:
        """Any operation of STS."""
        try:
            answer = await hand_on(self._connections, request)
        except OSError as error:
            raise BatchError(f"MiniStack is away: {error}", code="ServerException", status=500) from error
        self._note(answer)
        headers = {name: answer.headers[name] for name in _SHOWN if name in answer.headers}
        return Response(answer.body, answer.status, headers)

    def _note(self, answer: Answer) -> None:
        key, arn = _KEY.search(answer.body), _ARN.search(answer.body)
        if key is not None and arn is not None:
            self._learn(key[1].decode(), arn[1].decode())
