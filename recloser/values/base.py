"""What all values share."""

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen fact; unknown fields are refused, so that a misspelt one is never lost in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def utc_now() -> datetime:
    """The time in UTC, the only zone used inside Recloser."""
    return datetime.now(UTC)
