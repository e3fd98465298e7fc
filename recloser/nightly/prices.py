"""What the AWS calls of a suite would cost; the prices are data, with their sources."""

from __future__ import annotations

import tomllib
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pydantic import Field

from recloser.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recloser.values import AwsCall


class RequestPrice(Value):
    """What one request costs."""

    service: str
    """As botocore names it."""
    operation: str
    """As botocore names it; `*` stands for any ending."""
    usd: float = Field(ge=0)
    source: str = Field(min_length=1)


class RequestPrices(Value):
    """The table; the first row that matches counts."""

    as_of: date
    price: tuple[RequestPrice, ...]

    def of(self, call: AwsCall) -> float | None:
        """What all requests of one operation cost, in US dollars; None where no row knows it."""
        for row in self.price:
            if row.service == call.service and fnmatchcase(call.operation, row.operation):
                return row.usd * call.count
        return None


@cache
def request_prices() -> RequestPrices:
    """The packaged table."""
    text = files("recloser.nightly").joinpath("aws_prices.toml").read_text(encoding="utf-8")
    return RequestPrices.model_validate(tomllib.loads(text))


def cost_of(calls: Iterable[AwsCall]) -> float | None:
    """What the calls cost, in US dollars; None where one of them has no known price, or there were none."""
    costs = [request_prices().of(call) for call in calls]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if costs and len(known) == len(costs) else None
