import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1]
sys.path.insert(0, str(EXAMPLE))  # the job is run from its folder, not installed


@pytest.fixture
def example():
    """The folder of the job."""
    return EXAMPLE


@pytest.fixture
def inputs_14(tmp_path):
    """A copy of the reference inputs of 14 buses over 24 hours, to be spoilt."""
    folder = tmp_path / "inputs"
    folder.mkdir()
    for path in (EXAMPLE / "data" / "case14").glob("*.csv"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder
