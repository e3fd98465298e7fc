"""Credentials of the job role, as a container gets them: from an address only the job knows the token of."""

from __future__ import annotations

import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from recloser.sandbox.batch.model import BatchError, Document

if TYPE_CHECKING:
    from recloser.sandbox.clients import Clients

_SERVICE = "ecs-tasks.amazonaws.com"
# botocore asks again when less than ten minutes are left, so a running job survives a restart of MiniStack,
# which forgets its sessions.
_SHOWN_LIFETIME = timedelta(minutes=9)
_REAL_LIFETIME_S = 3600
_RENEW_AFTER_S = 2400.0


@dataclass(slots=True)
class Grant:
    """One attempt's right to its role."""

    role_arn: str
    region: str
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    session: Document | None = None
    assumed_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Credentials:
    """Hands out the sessions of running attempts."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._grants: dict[str, Grant] = {}

    def trusted(self, role_arn: str, region: str) -> bool:
        """Whether the role exists and lets ECS tasks assume it."""
        iam = self._clients.get("iam", region)
        try:
            role = iam.get_role(RoleName=role_arn.rsplit("/", 1)[-1])["Role"]
        except (BotoCoreError, ClientError):
            return False
        return role["Arn"] == role_arn and trusts_tasks(role["AssumeRolePolicyDocument"])

    def grant(self, task_id: str, role_arn: str, region: str) -> Grant:
        """Let an attempt ask for the credentials of its role."""
        self._grants[task_id] = Grant(role_arn, region)
        return self._grants[task_id]

    def revoke(self, task_id: str) -> None:
        """The attempt has ended."""
        self._grants.pop(task_id, None)

    def answer(self, task_id: str, token: str) -> Document:
        """The credentials, for whoever shows the attempt's token; assumes the role when first asked.

        Raises:
            BatchError: 403 without the token, 502 when the role cannot be assumed any more.
        """
        grant = self._grants.get(task_id)
        if grant is None or not secrets.compare_digest(grant.token.encode(), token.encode()):
            raise BatchError("the authorization token is not this task's", code="AccessDeniedException", status=403)
        with grant.lock:
            return self._session(grant, task_id)

    def _session(self, grant: Grant, task_id: str) -> Document:
        if grant.session is None or time.monotonic() - grant.assumed_at > _RENEW_AFTER_S:
            grant.session = self._assume(grant, task_id)
            grant.assumed_at = time.monotonic()
        expiry = datetime.now(UTC) + _SHOWN_LIFETIME
        return {**grant.session, "Expiration": expiry.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def _assume(self, grant: Grant, task_id: str) -> Document:
        sts = self._clients.get("sts", grant.region)
        try:
            answer = sts.assume_role(RoleArn=grant.role_arn, RoleSessionName=task_id, DurationSeconds=_REAL_LIFETIME_S)[
                "Credentials"
            ]
        except (BotoCoreError, ClientError) as error:
            message = f"the role {grant.role_arn} could not be assumed: {error}"
            raise BatchError(message, code="ServerException", status=502) from error
        return {
            "RoleArn": grant.role_arn,
            "AccessKeyId": answer["AccessKeyId"],
            "SecretAccessKey": answer["SecretAccessKey"],
            "Token": answer["SessionToken"],
        }

    def forget_sessions(self) -> None:
        """MiniStack was restarted and knows none of them any more."""
        for grant in self._grants.values():
            grant.session = None


def trusts_tasks(policy: Any) -> bool:
    """Whether a trust policy lets ECS tasks assume the role; MiniStack lets root assume any service's role.

    A statement with a condition does not count: which tasks it means cannot be told here.
    """
    document = json.loads(policy) if isinstance(policy, str) else policy
    statements = _listed(document.get("Statement", []))
    fitting = [statement for statement in statements if _names_tasks(statement) and "Condition" not in statement]
    effects = {statement.get("Effect") for statement in fitting}
    return "Allow" in effects and "Deny" not in effects


def _names_tasks(statement: Document) -> bool:
    principal = statement.get("Principal", {})
    services = _listed(principal.get("Service", [])) if isinstance(principal, dict) else []
    actions = {action.lower() for action in _listed(statement.get("Action", []))}
    return _SERVICE in services and bool(actions & {"sts:assumerole", "sts:*", "*"})


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
