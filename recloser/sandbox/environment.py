"""The variables that point boto3 and the `aws` command line at the sandbox."""

from __future__ import annotations

import shlex
from enum import StrEnum
from typing import TYPE_CHECKING

from recloser.sandbox.ministack import REGION, ROOT_KEY
from recloser.sandbox.state import AccessKey

if TYPE_CHECKING:
    from recloser.sandbox.state import Record

ROOT = AccessKey(access_key_id=ROOT_KEY, secret_access_key=ROOT_KEY)
# Each of these would win over, or spoil, what is exported.
UNSET = ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
_NO_PROXY = "127.0.0.1,localhost"


class Identity(StrEnum):
    """Who acts: the operator with its written policy, or root."""

    RECLOSER = "recloser"
    ADMIN = "admin"


def endpoints(ministack_url: str, batch_url: str, region: str = REGION) -> dict[str, str]:
    """Everything but the credentials."""
    return {
        "AWS_ENDPOINT_URL": ministack_url,
        "AWS_ENDPOINT_URL_BATCH": batch_url,
        "AWS_ENDPOINT_URL_STS": batch_url,  # which hands it on, and learns whose sessions there are
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,  # boto3 does not read AWS_REGION
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": _NO_PROXY,
        "no_proxy": _NO_PROXY,
    }


def variables(record: Record, key: AccessKey) -> dict[str, str]:
    """All variables for one identity."""
    return {
        **endpoints(record.ministack_url, record.batch_url),
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
    }


def export_lines(values: dict[str, str]) -> str:
    """The same as shell text for `eval`; a NO_PROXY that is already set is kept behind ours."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items() if name.upper() != "NO_PROXY"]
    lines.append(f'export NO_PROXY="{_NO_PROXY}${{NO_PROXY:+,$NO_PROXY}}"')
    lines.append('export no_proxy="$NO_PROXY"')
    lines.append(f"unset {' '.join(UNSET)}")
    return "\n".join(lines)
