"""boto3 clients to MiniStack, as root. Root stays inside this package."""

from __future__ import annotations

import threading
from typing import Any

import boto3
from botocore.config import Config

from recloser.sandbox.ministack import ROOT_KEY


class Clients:
    """One client for each service and region, made when first asked for, shared between threads."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._made: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._session = boto3.Session(aws_access_key_id=ROOT_KEY, aws_secret_access_key=ROOT_KEY)
        self._config = Config(
            retries={"mode": "standard", "total_max_attempts": 3},
            connect_timeout=2,
            read_timeout=10,
            max_pool_connections=32,
            parameter_validation=False,
        )

    def get(self, service: str, region: str) -> Any:
        """The client of this service in this region."""
        with self._lock:
            if (service, region) not in self._made:
                self._made[service, region] = self._session.client(
                    service,  # type: ignore[call-overload]
                    region_name=region,
                    endpoint_url=self.endpoint,
                    config=self._config,
                )
            return self._made[service, region]

    def close(self) -> None:
        """Close every connection."""
        for client in self._made.values():
            client.close()
