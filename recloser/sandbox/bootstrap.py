"""What an account has before anybody uses it: the operator's identity and Batch's log group.

Run as root at every start and after MiniStack lost its state; each step leaves what is already right alone.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from recloser.sandbox.ministack import REGION
from recloser.sandbox.state import AccessKey

if TYPE_CHECKING:
    from recloser.sandbox.clients import Clients
    from recloser.sandbox.state import StateDir

OPERATOR = "recloser"
"""Whom Recloser acts as. It begins with no rights at all: what it may do is what `recloser policy TARGET` prints."""
LOG_GROUP = "/aws/batch/job"


def bootstrap(clients: Clients, state: StateDir) -> AccessKey:
    """Make the operator, without rights, with its key, and the log group of jobs.

    Returns:
        The operator's access key, also kept in the state folder.
    """
    iam = clients.get("iam", REGION)
    _ensure_operator(iam)
    key = _ensure_key(iam, state)
    ensure_log_group(clients.get("logs", REGION))
    return key


def ensure_log_group(logs: Any) -> None:
    """Make the log group of jobs unless it is there."""
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=LOG_GROUP)


def _ensure_operator(iam: Any) -> None:
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_user(UserName=OPERATOR)


def _ensure_key(iam: Any, state: StateDir) -> AccessKey:
    known = [key["AccessKeyId"] for key in iam.list_access_keys(UserName=OPERATOR)["AccessKeyMetadata"]]
    kept = state.read(state.operator, AccessKey)
    if kept is not None and kept.access_key_id in known:
        return kept
    for lost in known:
        iam.delete_access_key(UserName=OPERATOR, AccessKeyId=lost)
    made = iam.create_access_key(UserName=OPERATOR)["AccessKey"]
    key = AccessKey(access_key_id=made["AccessKeyId"], secret_access_key=made["SecretAccessKey"])
    state.write(state.operator, key)
    return key
