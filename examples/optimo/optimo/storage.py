"""Files in S3 or in a local folder, by one name: `s3://bucket/prefix/load.csv` or `folder/load.csv`."""

import functools
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# What a read or a write may fail with: the service refused it, there was no way to the service, the disk said no.
Errors = (ClientError, BotoCoreError, OSError)


def join(folder, *names):
    return "/".join([folder.rstrip("/"), *names])


def read(uri):
    """The bytes of one file."""
    if not _in_s3(uri):
        return Path(uri).read_bytes()
    return _s3().get_object(**_address(uri))["Body"].read()


def write(uri, content):
    """Write one file whole; local folders are made."""
    if _in_s3(uri):
        _s3().put_object(**_address(uri), Body=content)
        return
    Path(uri).parent.mkdir(parents=True, exist_ok=True)
    Path(uri).write_bytes(content)


def _in_s3(uri):
    return uri.startswith("s3://")


def _address(uri):
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


@functools.cache
def _s3():
    return boto3.client("s3", config=Config(retries={"mode": "standard", "total_max_attempts": 5}))
