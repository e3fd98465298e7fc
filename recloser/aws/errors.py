"""What can go wrong between Recloser and AWS.

AwsError
├── Misconfigured       no region, local and real AWS mixed: a person must correct the environment
├── CredentialsError    none, invalid or expired
├── AccessRefused       the identity lacks a permission (`action`)
├── NotFound            the thing asked for is not there
├── Rejected            AWS, or we before it, refused the request as it stands
├── MalformedAnswer     AWS answered something that makes no sense
├── Unreachable         no connection, or no answer in time          · transient
├── Throttled           too many calls                               · transient
└── ServiceFailed       AWS failed (5xx)                             · transient
"""

from __future__ import annotations

# ruff: noqa: N818 - `except NotFound` says what happened; the base class says that it is an error
from functools import partial
from typing import ClassVar

from recloser.errors import RecloserError


class AwsError(RecloserError):
    """A call to AWS failed; `service` and `operation` say which (`batch`, `SubmitJob`)."""

    is_transient: ClassVar[bool] = False
    """Whether the same call may succeed later without anybody changing anything."""

    def __init__(self, message: str, *, service: str, operation: str) -> None:
        super().__init__(message)
        self.service = service
        self.operation = operation

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling: errors travel between processes, and keyword arguments would be lost."""
        return partial(type(self), service=self.service, operation=self.operation), self.args, self.__dict__


class Misconfigured(AwsError):
    """The environment does not say, or says two things about, which AWS is meant."""


class CredentialsError(AwsError):
    """There are no credentials, or AWS does not accept them."""


class AccessRefused(AwsError):
    """The identity may not do this."""

    def __init__(self, message: str, *, service: str, operation: str, action: str | None = None) -> None:
        super().__init__(message, service=service, operation=operation)
        self.action = action
        """The IAM action that is missing, such as `s3:GetObject`, where it is known."""


class NotFound(AwsError):
    """What was asked for does not exist, or not in this region."""


class Rejected(AwsError):
    """The request itself is wrong; sending it again cannot help."""


class MalformedAnswer(AwsError):
    """AWS, or something that poses as it, answered nonsense."""


class Unreachable(AwsError):
    """No connection to the endpoint, or no answer in time."""

    is_transient = True


class Throttled(AwsError):
    """AWS asked for fewer calls."""

    is_transient = True


class ServiceFailed(AwsError):
    """AWS failed on its side."""

    is_transient = True
