"""The one place where what boto3 raises becomes one of our errors, with a message for the person who must act."""

from __future__ import annotations

import ipaddress
import re
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from traceback import walk_tb
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import botocore.session
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from rapidfuzz import process
from rapidfuzz.distance import OSA

from recloser.aws.errors import (
    AccessRefused,
    AwsError,
    CredentialsError,
    MalformedAnswer,
    Misconfigured,
    NotFound,
    Rejected,
    ServiceFailed,
    Throttled,
    Unreachable,
)
from recloser.redaction import Redactor, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

_CODES: dict[type[AwsError], str] = {
    CredentialsError: (
        "AuthFailure ExpiredToken ExpiredTokenException IncompleteSignature IncompleteSignatureException "
        "InvalidAccessKeyId InvalidClientTokenId InvalidSignatureException InvalidToken MissingAuthenticationToken "
        "MissingAuthenticationTokenException NotAuthorized RequestExpired RequestTimeTooSkewed SignatureDoesNotMatch "
        "TokenRefreshRequired UnrecognizedClientException"
    ),
    AccessRefused: (
        "403 AccessDenied AccessDeniedException AllAccessDisabled AuthorizationError Forbidden UnauthorizedOperation"
    ),
    Throttled: (
        "429 BandwidthLimitExceeded EC2ThrottledException LimitExceededException PriorRequestNotComplete "
        "ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled RequestThrottledException "
        "SlowDown Throttled ThrottledException Throttling ThrottlingException TooManyRequests "
        "TooManyRequestsException TransactionInProgressException"
    ),
    NotFound: (
        "404 ImageNotFoundException NoSuchBucket NoSuchEntity NoSuchEntityException NoSuchKey NotFound "
        "RepositoryNotFoundException ResourceNotFoundException"
    ),
}
_KIND_OF_CODE = {code: kind for kind, codes in _CODES.items() for code in codes.split()}
_LEAD: dict[type[AwsError], str] = {
    CredentialsError: "AWS does not accept the credentials: ",
    Throttled: "AWS asks for fewer calls: ",
    ServiceFailed: "AWS failed: ",
}
_KIND_OF_EXCEPTION: tuple[tuple[tuple[type[Exception], ...], type[AwsError], str], ...] = (
    (
        (
            boto.NoCredentialsError,
            boto.PartialCredentialsError,
            boto.CredentialRetrievalError,
            boto.TokenRetrievalError,
            boto.SSOError,
            boto.LoginError,
            boto.ProfileNotFound,
            boto.RefreshWithMFAUnsupportedError,
        ),
        CredentialsError,
        'no usable AWS credentials (`eval "$(recloser sandbox env)"` for the local AWS, AWS_PROFILE for the real one)',
    ),
    (
        (
            boto.NoRegionError,
            boto.InvalidRegionError,
            boto.UnknownEndpointError,
            boto.EndpointVariantError,
            boto.ConfigParseError,
            boto.ConfigNotFound,
            boto.InvalidConfigError,
        ),
        Misconfigured,
        "the AWS configuration cannot be used",
    ),
)
_NO_CONNECTION = (boto.ConnectionError, boto.HTTPClientError, boto.IncompleteReadError)
_ACTION_OF = {"HeadObject": "s3:GetObject", "ListObjectsV2": "s3:ListBucket", "GetCallerIdentity": None}
_REFUSED_ACTION = re.compile(r"not authorized to perform: ([a-z0-9-]{1,64}:[A-Za-z0-9]{1,128})")
_NONSENSE = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)
_HIDE = Redactor(())


_NEAR = 0.7
_REGION_OF_HOST = re.compile(r"[a-z0-9.-]+?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$")


@contextmanager
def translated(service: str, operation: str) -> Iterator[None]:
    """Turn what a call through boto3 raises into one of our errors; also a decorator.

    Args:
        service: As IAM names it: `batch`, `s3`, `logs`…
        operation: As the API names it: `SubmitJob`.

    Raises:
        AwsError: The member of the tree that says what a person can do about it.
    """
    try:
        yield
    except boto.ClientError as error:
        raise _of_answer(error, service, operation) from error
    except boto.BotoCoreError as error:
        raise _of_botocore(error, service, operation) from error
    except (ResponseParserError, *_NONSENSE) as error:
        if not _raised_by_parser(error):
            raise
        raise _malformed(error, service, operation) from error


@contextmanager
def sensible(service: str, operation: str) -> Iterator[None]:
    """Turn what reading an answer raises, when the answer is not what the API promises, into `MalformedAnswer`.

    Raises:
        MalformedAnswer: The answer cannot be read; the message says where it stops making sense.
    """
    try:
        yield
    except _NONSENSE as error:
        raise _malformed(error, service, operation) from error


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _raised_by_parser(error: Exception) -> bool:
    """Whether botocore stumbled over an answer: it expects the API's shapes and does not check for others."""
    return any(frame.f_globals.get("__name__") == "botocore.parsers" for frame, _ in walk_tb(error.__traceback__))


def _malformed(error: Exception, service: str, operation: str) -> MalformedAnswer:
    what = shown(f"{type(error).__name__}: {error}", _HIDE, limit=300)
    return MalformedAnswer(f"malformed answer to {service} {operation}: {what}", service=service, operation=operation)


def _of_answer(error: boto.ClientError, service: str, operation: str) -> AwsError:
    about = error.response.get("Error", {})
    code, message = str(about.get("Code", "")), str(about.get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = shown(message, _HIDE, limit=1000) or f"HTTP {status} and no explanation"
    text = f"{service} {operation}: {said}{'' if code.isdigit() else f' ({code})'}"
    kind = _kind_of_answer(code, status)
    if kind is not AccessRefused:
        return kind(_LEAD.get(kind, "") + text, service=service, operation=operation)
    named = _REFUSED_ACTION.search(said)
    action = named[1] if named else _ACTION_OF.get(operation, f"{service}:{operation}")
    return AccessRefused(f"no permission for {action}: {text}", service=service, operation=operation, action=action)


def _kind_of_answer(code: str, status: int) -> type[AwsError]:
    kind = _KIND_OF_CODE.get(code)
    if kind is None and status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled
    return kind or (ServiceFailed if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Rejected)


def _of_botocore(error: boto.BotoCoreError, service: str, operation: str) -> AwsError:
    said = shown(str(error), _HIDE, limit=1000)
    for exceptions, kind, lead in _KIND_OF_EXCEPTION:
        if isinstance(error, exceptions):
            return kind(f"{lead}: {said}", service=service, operation=operation)
    if isinstance(error, _NO_CONNECTION):
        return Unreachable(_no_connection(error, service, said), service=service, operation=operation)
    kind = Rejected if isinstance(error, boto.ParamValidationError) else AwsError
    return kind(f"{service} {operation}: {said}", service=service, operation=operation)


def _no_connection(error: boto.BotoCoreError, service: str, said: str) -> str:
    url = str(error.kwargs.get("endpoint_url") or "")
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url)) if url else service
    late = isinstance(error, boto.ReadTimeoutError)
    problem = f"no answer in time from {origin}" if late else f"cannot reach {origin}"
    if not is_loopback(url):
        return f"{problem}: {_region_hint(url) or 'is the network up, and the endpoint the right one?'} ({said})"
    variable = "AWS_ENDPOINT_URL_BATCH" if service == "batch" else "AWS_ENDPOINT_URL"
    return f"{problem} ({variable}): is the sandbox up? `recloser sandbox up`"


def _region_hint(url: str) -> str | None:
    """What is wrong with the region in an AWS address, if that is what is wrong."""
    found = _REGION_OF_HOST.match(urlsplit(url).hostname or "")
    known = _known_regions()
    if found is None or found[1] in known:
        return None
    near = process.extractOne(found[1], known, scorer=OSA.normalized_similarity, score_cutoff=_NEAR)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{found[1]!r} is no AWS region that boto3 knows (AWS_DEFAULT_REGION, or `region` in the profile){hint}"


@cache
def _known_regions() -> tuple[str, ...]:
    session = botocore.session.get_session()
    return tuple(
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ec2", partition_name=partition)
    )
