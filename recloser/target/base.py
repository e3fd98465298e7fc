"""What all tables of `recloser.toml` share."""

from pydantic import BaseModel, ConfigDict


class Declared(BaseModel):
    """A table of `recloser.toml`: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
