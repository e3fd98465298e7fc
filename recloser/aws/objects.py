"""Objects in S3, by `s3://bucket/key`."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

from recloser.aws.errors import NotFound, Rejected
from recloser.aws.translation import translated
from recloser.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client


class ObjectInfo(Value):
    """What S3 knows of an object without reading it."""

    size_bytes: int
    etag: str
    modified_at: datetime


class ObjectsGateway:
    """Calls about single objects."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def head(self, uri: str) -> ObjectInfo | None:
        """An object's size and age, or None if it does not exist.

        Raises:
            AccessRefused: It may not be read; S3 says so of absent objects too, to those who may not list the bucket.
        """
        bucket, key = split_uri(uri)
        try:
            with translated("s3", "HeadObject"):
                answer = self._client.head_object(Bucket=bucket, Key=key)
        except NotFound:
            return None
        return ObjectInfo(
            size_bytes=answer["ContentLength"],
            etag=answer["ETag"].strip('"'),
            modified_at=answer["LastModified"].astimezone(UTC),
        )

    @translated("s3", "GetObject")
    def read(self, uri: str, limit_bytes: int) -> bytes:
        """The first bytes of an object.

        Args:
            uri: The object.
            limit_bytes: How many at most.

        Raises:
            NotFound: There is no such object.
        """
        bucket, key = split_uri(uri)
        body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
        with closing(body):
            return b"".join(_pieces(body, limit_bytes))

    def put(self, uri: str, body: bytes | Path) -> None:
        """Write an object, from memory or from a file of at most 5 GB.

        Raises:
            Rejected: The file cannot be read.
        """
        if isinstance(body, bytes):
            self._put(uri, body)
            return
        try:
            with body.open("rb") as file:
                self._put(uri, file)
        except OSError as error:
            raise Rejected(f"cannot read {body}: {error.strerror}", service="s3", operation="PutObject") from error

    @translated("s3", "DeleteObject")
    def delete(self, uri: str) -> None:
        """Remove an object; one that is gone already is no error."""
        bucket, key = split_uri(uri)
        self._client.delete_object(Bucket=bucket, Key=key)

    def list(self, prefix_uri: str) -> Iterator[str]:
        """The URIs of all objects whose key starts with the prefix's, in order of their keys."""
        bucket, prefix = split_uri(prefix_uri, key_needed=False)
        with translated("s3", "ListObjectsV2"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                yield from (f"s3://{bucket}/{entry['Key']}" for entry in page.get("Contents", []))

    def delete_prefix(self, prefix_uri: str) -> int:
        """Remove all objects whose key starts with the prefix's; an empty key, the whole bucket, is refused.

        Returns:
            How many there were.
        """
        split_uri(prefix_uri)
        uris = tuple(self.list(prefix_uri))
        for uri in uris:
            self.delete(uri)
        return len(uris)

    @translated("s3", "PutObject")
    def _put(self, uri: str, body: bytes | BinaryIO) -> None:
        bucket, key = split_uri(uri)
        self._client.put_object(Bucket=bucket, Key=key, Body=body)


def _pieces(body: StreamingBody, limit_bytes: int) -> Iterator[bytes]:
    """What there is, up to the limit; botocore notices a body that broke off only when it is asked for more."""
    while limit_bytes > 0 and (piece := body.read(limit_bytes)):
        limit_bytes -= len(piece)
        yield piece


def split_uri(uri: str, *, key_needed: bool = True) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`.

    Raises:
        Rejected: It is not such a URI.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket or (key_needed and not key):
        raise Rejected(f"{uri!r} is not s3://BUCKET/KEY", service="s3", operation="URI")
    return bucket, key
