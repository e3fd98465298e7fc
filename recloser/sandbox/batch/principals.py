"""What IAM knows of users and roles: their policies, fetched through its API and believed for seconds."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from recloser.sandbox.ministack import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.sandbox.batch.conditions import Facts
    from recloser.sandbox.batch.model import Document
    from recloser.sandbox.clients import Clients

_BELIEVED_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Principal:
    """A user or a role's session, with all that says what it may do."""

    arn: str
    facts: Facts
    identity: tuple[Document, ...]
    boundary: Document | None
    known_at: float


class Principals:
    """Looks principals up; used from the event loop, asks IAM in a thread."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._known: dict[str, Principal] = {}
        self._lock = asyncio.Lock()

    async def find(self, arn: str) -> Principal:
        """The principal as it was at most seconds ago."""
        known = self._known.get(arn)
        return known if known is not None and _is_fresh(known) else await self.fetch(arn)

    async def fetch(self, arn: str) -> Principal:
        """The principal as it is now; whoever asks while it is fetched gets that."""
        asked_at = time.monotonic()
        async with self._lock:
            known = self._known.get(arn)
            if known is None or known.known_at < asked_at:
                self._known = {other: one for other, one in self._known.items() if _is_fresh(one)}
                known = self._known[arn] = await asyncio.to_thread(self._fetch, arn)
            return known

    def _fetch(self, arn: str) -> Principal:
        now = time.monotonic()
        kind, name, session = _parts(arn)
        of = _Of(self._clients.get("iam", REGION), kind, name)
        described = of.describe()
        boundary = described.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return Principal(
            arn=arn,
            facts=_facts(arn, kind, name, session, described),
            identity=tuple(of.policies()),
            boundary=of.managed(boundary) if boundary else None,
            known_at=now,
        )


def _is_fresh(principal: Principal) -> bool:
    return time.monotonic() - principal.known_at < _BELIEVED_S


def _parts(arn: str) -> tuple[str, str, str]:
    """`User` or `Role`, its name, and the session's name."""
    kind, *names = arn.split(":", 5)[-1].split("/")
    return ("Role", names[0], names[-1]) if kind == "assumed-role" else ("User", names[-1], "")


def _facts(arn: str, kind: str, name: str, session: str, described: Document) -> Facts:
    tags = {f"aws:principaltag/{tag['Key']}".lower(): tag["Value"] for tag in described.get("Tags", [])}
    own = f"{described[f'{kind}Id']}:{session}" if session else described[f"{kind}Id"]
    user = {} if session else {"aws:username": name}
    return {
        **tags,
        **user,
        "aws:userid": own,
        # for a session AWS compares the ARN of its role
        "aws:principalarn": described["Arn"] if session else arn,
        "aws:principalaccount": ACCOUNT,
        "aws:principaltype": "AssumedRole" if session else "User",
    }


class _Of:
    """IAM's answers about one user, role or group."""

    def __init__(self, iam: Any, kind: str, name: str) -> None:
        self._iam = iam
        self._kind = kind
        self._name = name

    def describe(self) -> Document:
        found: Document = self._call(f"get_{self._kind.lower()}")[self._kind]
        return found

    def policies(self) -> Iterator[Document]:
        kind = self._kind.lower()
        for name in self._pages(f"list_{kind}_policies", "PolicyNames"):
            yield _document(self._call(f"get_{kind}_policy", PolicyName=name)["PolicyDocument"])
        for attached in self._pages(f"list_attached_{kind}_policies", "AttachedPolicies"):
            yield self.managed(attached["PolicyArn"])
        if self._kind == "User":
            for group in self._pages("list_groups_for_user", "Groups"):
                yield from _Of(self._iam, "Group", group["GroupName"]).policies()

    def managed(self, arn: str) -> Document:
        version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        answer = self._iam.get_policy_version(PolicyArn=arn, VersionId=version)
        return _document(answer["PolicyVersion"]["Document"])

    def _pages(self, operation: str, member: str) -> Iterator[Any]:
        pages = self._iam.get_paginator(operation).paginate(**{f"{self._kind}Name": self._name})
        return (item for page in pages for item in page[member])

    def _call(self, operation: str, **more: str) -> Document:
        answer: Document = getattr(self._iam, operation)(**{f"{self._kind}Name": self._name}, **more)
        return answer


def _document(text: Any) -> Document:
    found: Document = json.loads(unquote(text)) if isinstance(text, str) else text
    return found
