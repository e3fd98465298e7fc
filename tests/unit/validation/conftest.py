"""Good datasets to judge and to break; their seeds are in no baseline."""

import pytest

from recloser.grid import Dataset, generate_dataset, request_size


@pytest.fixture(scope="session")
def small() -> Dataset:
    """A small dataset."""
    return generate_dataset(request_size("small", seed=90_001))


@pytest.fixture(scope="session")
def medium() -> Dataset:
    """A medium dataset."""
    return generate_dataset(request_size("medium", seed=90_002))
