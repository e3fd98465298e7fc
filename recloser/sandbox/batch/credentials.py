"""Credentials of the job role, as a container gets them: from an address only the job knows the token of."""

from __future__ import annotations

import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from recloser.sandbox.batch.model import BatchError, Document
from recloser.sandbox.batch.trust import Trust, trust_of, with_own_statement
from recloser.sandbox.ministack import ACCOUNT

if TYPE_CHECKING:
    from recloser.sandbox.clients import Clients

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
    trust: Trust
    token: str
    session: Document | None = None
    assumed_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Credentials:
    """Hands out the sessions of running attempts."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._grants: dict[str, Grant] = {}
        self._external_id = secrets.token_urlsafe(16)

    def grant(self, task_id: str, role_arn: str, region: str, token: str | None = None) -> Grant | None:
        """Let an attempt ask for the credentials of its role; None when the role may not be assumed for it.

        Args:
            task_id: The attempt's task.
            role_arn: Its role.
            region: Its region.
            token: What it shows, when it has been told already; drawn otherwise.
        """
        trust = self._trust(role_arn, region, task_id)
        if trust is Trust.NONE:
            return None
        self._grants[task_id] = Grant(role_arn, region, trust, token or secrets.token_urlsafe(32))
        return self._grants[task_id]

    def _trust(self, role_arn: str, region: str, task_id: str) -> Trust:
        try:
            role = self._clients.get("iam", region).get_role(RoleName=_name(role_arn))["Role"]
        except (BotoCoreError, ClientError):
            return Trust.NONE
        if role["Arn"] != role_arn:
            return Trust.NONE
        policy = role["AssumeRolePolicyDocument"]
        facts = {"aws:sourceaccount": ACCOUNT, "aws:sourcearn": f"arn:aws:ecs:{region}:{ACCOUNT}:task/{task_id}"}
        return trust_of(json.loads(policy) if isinstance(policy, str) else policy, facts)

    def forget_sessions(self) -> None:
        """MiniStack was restarted, and does not know the sessions it gave out."""
        for grant in self._grants.values():
            grant.session = None

    def revoke(self, task_id: str) -> None:
        """The attempt has ended."""
        self._grants.pop(task_id, None)

    def principal(self, access_key: str) -> str | None:
        """The ARN of a running attempt's session; None for any other key."""
        for task_id, grant in self._grants.copy().items():
            if grant.session is not None and grant.session["AccessKeyId"] == access_key:
                return f"arn:aws:sts::{ACCOUNT}:assumed-role/{_name(grant.role_arn)}/{task_id}"
        return None

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
        request = {"RoleArn": grant.role_arn, "RoleSessionName": task_id, "DurationSeconds": _REAL_LIFETIME_S}
        try:
            if grant.trust is Trust.CONDITIONAL:
                self._open(grant)
                request["ExternalId"] = self._external_id
            answer = self._clients.get("sts", grant.region).assume_role(**request)["Credentials"]
        except (BotoCoreError, ClientError) as error:
            message = f"the role {grant.role_arn} could not be assumed: {error}"
            raise BatchError(message, code="ServerException", status=502) from error
        return {
            "RoleArn": grant.role_arn,
            "AccessKeyId": answer["AccessKeyId"],
            "SecretAccessKey": answer["SecretAccessKey"],
            "Token": answer["SessionToken"],
        }

    def _open(self, grant: Grant) -> None:
        # Conditions on the source cannot be met through the API: they were judged here, and the role gets one
        # statement by which this sandbox alone may assume it. It is visible in GetRole.
        iam = self._clients.get("iam", grant.region)
        role = iam.get_role(RoleName=_name(grant.role_arn))["Role"]
        policy = with_own_statement(role["AssumeRolePolicyDocument"], ACCOUNT, self._external_id)
        iam.update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=json.dumps(policy))


def _name(role_arn: str) -> str:
    return role_arn.rsplit("/", 1)[-1]
