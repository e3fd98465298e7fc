"""The names of AWS's regions, as the SDK that is installed knows them; no call is made."""

from __future__ import annotations

from functools import cache

import botocore.session

_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")


def is_region(name: str) -> bool:
    """Whether there is a region of this name; one that is younger than the SDK is not known."""
    return name in _regions()


@cache
def _regions() -> frozenset[str]:
    session = botocore.session.get_session()
    return frozenset(
        region for partition in _PARTITIONS for region in session.get_available_regions("ecs", partition_name=partition)
    )
