"""The operator's account in the sandbox: the gateways act with the permissions they have in the product."""

from typing import Any
from uuid import uuid4

import pytest

from recloser.aws import Account, connect
from recloser.settings import Settings


@pytest.fixture
def account(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Connected as the operator, whose policy is minimal."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in sandbox.operator.items():
        monkeypatch.setenv(name, value)
    return connect(Settings())


@pytest.fixture
def name() -> str:
    """A name that no other test uses: the sandbox lives as long as the session."""
    return f"gw-{uuid4().hex[:12]}"
