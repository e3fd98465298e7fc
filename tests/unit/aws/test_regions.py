"""The names of regions."""

import pytest

from recloser.aws import is_region


@pytest.mark.parametrize(
    ("name", "known"),
    [("us-east-1", True), ("cn-north-1", True), ("us-gov-west-1", True), ("us-wst-2", False), ("aws-global", False)],
)
def test_a_region_is_known_by_its_name(name: str, *, known: bool) -> None:
    """A typo is no region, whatever its form."""
    assert is_region(name) is known
