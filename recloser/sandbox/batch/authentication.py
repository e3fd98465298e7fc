"""Who calls. The endpoint knows nobody's secret: it hands the signed request on to MiniStack and reads the answer.

MiniStack serves no Batch, so it runs nothing: "unsupported service" says that the signature is good and the action
allowed on `*`, "access denied" that the signature is good, and names the caller. Anything else is not the caller.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from recloser.sandbox.batch.forwarding import hand_on
from recloser.sandbox.batch.model import BatchError, Document
from recloser.sandbox.ministack import REGION, ROOT_KEY

if TYPE_CHECKING:
    from starlette.requests import Request

    from recloser.sandbox.batch.credentials import Credentials
    from recloser.sandbox.clients import Clients
    from recloser.sandbox.connections import Answer, Connections

_SCOPE: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/\s]+)/\d{8}/(?P<region>[a-z0-9-]+)/[a-z-]+/aws4_request"
)
_NAMED: Final = re.compile(r"User: (?P<arn>arn:\S+) is not authorized")
_ACCOUNT_ROOT: Final = re.compile(r"\d{12}")
_USER_KEY: Final = "AKIA"
_UNSERVED: Final = "Unsupported service: batch"
_MAX_KNOWN: Final = 10_000


@dataclass(frozen=True, slots=True)
class Signature:
    """Which key signed, for which region."""

    key: str
    region: str

    @property
    def is_root(self) -> bool:
        """Whether it is a key of an account's root; MiniStack checks no signature of those."""
        return self.key == ROOT_KEY or _ACCOUNT_ROOT.fullmatch(self.key) is not None


def signature_of(request: Request) -> Signature:
    """What the request says of its signature; whether it is good is not known yet.

    Raises:
        BatchError: The request is not signed.
    """
    header = request.headers.get("authorization", "")
    if not header:
        raise BatchError("Missing Authentication Token", code="MissingAuthenticationTokenException", status=403)
    scope = _SCOPE.match(header)
    if scope is None:
        message = "Authorization header is not a Signature Version 4 with a credential scope"
        raise BatchError(message, code="IncompleteSignatureException", status=403)
    return Signature(scope["key"], scope["region"])


class Authentication:
    """Finds out who signed a request; used from the event loop."""

    def __init__(self, connections: Connections, clients: Clients, credentials: Credentials) -> None:
        self._connections = connections
        self._clients = clients
        self._credentials = credentials
        self._known: dict[str, str] = {}
        """ARNs by access key: a key never changes hands."""

    async def caller(self, request: Request, signature: Signature) -> str | None:
        """The ARN of who signed.

        Returns:
            None for a session nobody here has seen, which MiniStack allows the action on every resource.

        Raises:
            BatchError: The signature is not good, or MiniStack is away.
        """
        answer = await self._hand_on(request)
        arn = _named_in(answer) or await self._find(signature.key)
        if arn is not None:
            self.learn(signature.key, arn)
        return arn

    def learn(self, key: str, arn: str) -> None:
        """Remember whose key this is; the oldest makes room when there are too many."""
        while len(self._known) >= _MAX_KNOWN:
            self._known.pop(next(iter(self._known)))
        self._known[key] = arn

    async def _hand_on(self, request: Request) -> Answer:
        try:
            answer = await hand_on(self._connections, request)
        except OSError as error:
            message = f"the caller cannot be authenticated while MiniStack is away: {error}"
            raise BatchError(message, code="ServerException", status=500) from error
        _check(answer)
        return answer

    async def _find(self, key: str) -> str | None:
        known = self._known.get(key) or self._credentials.principal(key)
        if known is None and key.startswith(_USER_KEY):
            return await asyncio.to_thread(self._user, key)
        return known

    def _user(self, key: str) -> str:
        iam = self._clients.get("iam", REGION)
        name = iam.get_access_key_last_used(AccessKeyId=key)["UserName"]
        return str(iam.get_user(UserName=name)["User"]["Arn"])


def _check(answer: Answer) -> None:
    """Hand a refusal back in the words it came in."""
    said = _said(answer)
    code = answer.headers.get("x-amzn-errortype", "").split(":")[0]
    if said.get("error") == _UNSERVED or (code == "AccessDeniedException" and _named_in(answer)):
        return
    if answer.status == HTTPStatus.FORBIDDEN:
        raise BatchError(said.get("message", "Forbidden"), code=code, status=answer.status)
    message = f"MiniStack could not judge the signature: HTTP {answer.status} {said}"
    raise BatchError(message, code="ServerException", status=500)


def _said(answer: Answer) -> Document:
    try:
        said = json.loads(answer.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _named_in(answer: Answer) -> str | None:
    found = _NAMED.search(answer.body.decode(errors="replace"))
    return found["arn"] if found else None
