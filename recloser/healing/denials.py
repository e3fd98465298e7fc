"""Which call was refused on what: the exact action and the exact ARN, from the words of an AccessDenied line.

AWS does not always name the resource, so a well-behaved job logs it on the same line; without it there is no
grant, because nothing is granted that the error did not name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recloser.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ACTION = re.compile(r"not authorized to perform:? ['\"]?(?P<action>[a-z0-9-]+:[A-Za-z]+)", re.IGNORECASE)
_RESOURCE = re.compile(r"on resource:? ['\"]?(?P<arn>arn:[^\s'\"]+[^\s'\".,;)])", re.IGNORECASE)
_OPERATION = re.compile(r"when calling the (?P<operation>[A-Za-z0-9]+) operation")
_S3_URI = re.compile(r"s3://(?P<path>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s'\"<>,;)]*[^\s'\"<>,;).:])?)")
_SIGNING_ROLE = re.compile(r"assumed-role/(?P<role>[\w+=,.@-]{1,64})/")
_SIGNING_USER = re.compile(r"arn:aws[\w-]*:iam::\d{12}:user/(?P<user>[\w+=,.@/-]{1,128})")
_OBJECT_ARN = re.compile(
    r"arn:aws[\w-]*:s3:::(?P<path>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^\s'\"<>,;)*]*[^\s'\"<>,;).:*])"
)
_TABLE = re.compile(r"\btable[ /:='\"]+(?P<table>[A-Za-z0-9_.-]{3,255})")

# IAM actions whose name is not the operation's (AWS service authorization reference).
_ACTION_OF = {
    "HeadObject": "s3:GetObject",
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "HeadBucket": "s3:ListBucket",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
}
_S3_OPERATIONS = frozenset({"GetObject", "PutObject", "DeleteObject", "CopyObject", *_ACTION_OF})
_TABLE_OPERATIONS = frozenset(
    {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem"}
)


class Denial(Value):
    """One refused call."""

    action: str
    resource: str | None = None
    """Exact ARN; None when the line does not name it."""

    def __str__(self) -> str:
        """The denial as a person says it."""
        return f"{self.action} on {self.resource or 'a resource the log does not name'}"


def denials(lines: Iterable[str], *, account_id: str, region: str) -> tuple[Denial, ...]:
    """The refused calls that these log lines name, in order, without repeats; unnamed resources last."""
    found = dict.fromkeys(denial for line in lines for denial in _of_line(line, account_id, region))
    named = {denial.action for denial in found if denial.resource}
    # A traceback repeats the error without the resource; that adds nothing.
    return tuple(denial for denial in found if denial.resource or denial.action not in named)


def listed(refused: Iterable[Denial]) -> str:
    """Denials as a person lists them: each action once, with all its resources."""
    resources: dict[str, list[str]] = {}
    for denial in refused:
        resources.setdefault(denial.action, []).append(denial.resource or "a resource the log does not name")
    return "; ".join(f"{action} on {', '.join(named)}" for action, named in resources.items())


def signing_roles(lines: Iterable[str]) -> tuple[str, ...]:
    """Names of the roles that lines name as who called."""
    return tuple(dict.fromkeys(found["role"] for line in lines for found in _SIGNING_ROLE.finditer(line)))


def signing_users(lines: Iterable[str]) -> tuple[str, ...]:
    """Names of the users that lines name as who called."""
    return tuple(dict.fromkeys(found["user"] for line in lines for found in _SIGNING_USER.finditer(line)))


def object_uris(lines: Iterable[str]) -> tuple[str, ...]:
    """The objects in S3 that lines name, as `s3://bucket/key`."""
    return tuple(
        dict.fromkeys(
            f"s3://{found['path']}"
            for line in lines
            for pattern in (_S3_URI, _OBJECT_ARN)
            for found in pattern.finditer(line)
            if not found["path"].endswith("/") and "/" in found["path"]
        )
    )


def _of_line(line: str, account_id: str, region: str) -> Iterator[Denial]:
    action = _action(line)
    if action is None:
        return
    arns = [found["arn"] for found in _RESOURCE.finditer(line)] or _arns_of_uris(line, action, account_id, region)
    if not arns:
        yield Denial(action=action)
    for arn in arns:
        yield Denial(action=action, resource=arn)


def _action(line: str) -> str | None:
    if named := _ACTION.search(line):
        service, _, operation = named["action"].partition(":")
        return f"{service.lower()}:{operation}"
    called = _OPERATION.search(line)
    if called is None or "denied" not in line.lower():
        return None
    operation = called["operation"]
    if operation in _S3_OPERATIONS:
        return _ACTION_OF.get(operation, f"s3:{operation}")
    return f"dynamodb:{operation}" if operation in _TABLE_OPERATIONS else None


def _arns_of_uris(line: str, action: str, account_id: str, region: str) -> list[str]:
    if action.startswith("s3:"):
        paths = [found["path"] for found in _S3_URI.finditer(line)]
        return [f"arn:aws:s3:::{path.split('/')[0] if action == 's3:ListBucket' else path}" for path in paths]
    if action.startswith("dynamodb:"):
        return [f"arn:aws:dynamodb:{region}:{account_id}:table/{found['table']}" for found in _TABLE.finditer(line)]
    return []
