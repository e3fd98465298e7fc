"""A throwaway Prefect server for tests that run whole flows."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[None]:
    """One server for the session; imported late, because Prefect takes seconds and most tests need none of it."""
    from prefect.settings import (  # noqa: PLC0415
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_SERVER_ANALYTICS_ENABLED,
        temporary_settings,
    )
    from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415

    quiet = {PREFECT_SERVER_ANALYTICS_ENABLED: False, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
    with temporary_settings(quiet), prefect_test_harness(server_startup_timeout=120):
        yield


def latest_artifact(key: str) -> str:
    """The data of the newest artifact of a key: other tests of the session may have published it as well."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.client.schemas.filters import ArtifactCollectionFilter, ArtifactCollectionFilterKey  # noqa: PLC0415

    of_key = ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=[key]))
    with get_client(sync_client=True) as client:
        (artifact,) = client.read_latest_artifacts(artifact_filter=of_key)
    return str(artifact.data)
