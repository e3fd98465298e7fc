"""The sandbox as the gateways see it, as a user with a written policy."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from recloser.aws import Account, connect
from recloser.settings import Settings

POLICY = Path(__file__).parent / "policy.json"


@pytest.fixture(scope="session")
def keys(sandbox: Any) -> dict[str, str]:
    """A user of these tests' own, with the rights the gateways need on any name and no more."""
    iam = sandbox.client("iam", "admin")
    iam.create_user(UserName="gateways")
    iam.put_user_policy(UserName="gateways", PolicyName="gateways", PolicyDocument=POLICY.read_text())
    made = iam.create_access_key(UserName="gateways")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}


@pytest.fixture
def account(sandbox: Any, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Account:
    """Connected as that user."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**sandbox.operator, **keys}.items():
        monkeypatch.setenv(name, value)
    return connect(Settings())


@pytest.fixture
def name() -> str:
    """A name that no other test uses: the sandbox lives as long as the session."""
    return f"gw-{uuid4().hex[:12]}"
