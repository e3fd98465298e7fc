"""The sandbox for tests that need an AWS: a real one, up for the whole session, one for each xdist worker.

`tests/conftest.py` loads it with `pytest_plugins = ["tests.sandbox_fixture"]`; a test that asks for the `sandbox`
fixture carries `@pytest.mark.sandbox`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from recloser.sandbox import Identity, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class SandboxUnderTest:
    """A running sandbox and two who may use it."""

    sandbox: Sandbox
    _clients: dict[tuple[str, str, str], Any] = field(default_factory=dict)

    @property
    def state_dir(self) -> Path:
        """Where it keeps everything."""
        return self.sandbox.state.root

    @cached_property
    def admin(self) -> dict[str, str]:
        """Environment variables of root."""
        return self.sandbox.environment(Identity.ADMIN)

    @cached_property
    def operator(self) -> dict[str, str]:
        """Environment variables of the user `recloser`."""
        return self.sandbox.environment(Identity.RECLOSER)

    def session(self, identity: str = "admin", region: str = "us-east-1") -> boto3.Session:
        """A session with the keys of `admin` or `recloser`; endpoints are given to clients, not to sessions."""
        variables = self.admin if identity == "admin" else self.operator
        return boto3.Session(
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name=region,
        )

    def client(self, service: str, identity: str = "admin", region: str = "us-east-1") -> Any:
        """A client of one service, kept for the session and closed with it."""
        key = (service, identity, region)
        if key not in self._clients:
            endpoint = self.admin["AWS_ENDPOINT_URL_BATCH" if service == "batch" else "AWS_ENDPOINT_URL"]
            made = self.session(identity, region).client(service, endpoint_url=endpoint)  # type: ignore[call-overload]
            self._clients[key] = made
        return self._clients[key]

    def close(self) -> None:
        """Close every client."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxUnderTest]:
    """A real sandbox, stopped at the end of the session."""
    real = Sandbox(tmp_path_factory.mktemp("sandbox"), stop_grace_s=1.0)
    real.up()
    under_test = SandboxUnderTest(real)
    try:
        yield under_test
    finally:
        under_test.close()
        real.down()
