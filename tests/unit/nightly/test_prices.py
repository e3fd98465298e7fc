"""What AWS calls cost."""

import pytest

from recloser.nightly.prices import cost_of, request_prices
from recloser.values import AwsCall


def test_every_price_names_its_source() -> None:
    """The table is read whole, and each row says where its figure stands."""
    assert all(row.source and row.usd >= 0 for row in request_prices().price)


def test_calls_are_priced_by_the_first_row_that_matches() -> None:
    """Reading an object is cheaper than writing one."""
    calls = [
        AwsCall(service="s3", operation="GetObject", count=1000),
        AwsCall(service="s3", operation="PutObject", count=1000),
    ]
    assert cost_of(calls) == pytest.approx(0.0004 + 0.005)


@pytest.mark.parametrize("calls", [[], [AwsCall(service="quantum", operation="Solve", count=1)]])
def test_an_unknown_price_makes_no_sum(calls: list[AwsCall]) -> None:
    """Nothing is not zero."""
    assert cost_of(calls) is None
