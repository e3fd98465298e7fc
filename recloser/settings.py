"""The environment of Recloser itself, read once into one frozen value.

Credentials, region and endpoints of AWS are not here: boto3 reads those itself, the same way every other tool does.
"""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from recloser.errors import RecloserError

PREFIX = "RECLOSER_"


class SettingsError(RecloserError):
    """A `RECLOSER_…` variable has a value that cannot be used."""


class Settings(BaseSettings):
    """What a person may set with `RECLOSER_…` variables."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    home: Path = Path(".recloser")
    """Folder for everything Recloser keeps on this machine."""
    store_url: SecretStr | None = None
    """SQLAlchemy URL of the store; may hold a password. None means a SQLite file in `home`."""
    calls_per_s: float = Field(default=45.0, gt=0, le=50)
    """Ceiling for all Batch calls of this process to one account and region; AWS refuses more than 50."""
    connect_timeout_s: float = Field(default=5.0, gt=0, le=60)
    """How long one connection to AWS may take."""
    call_timeout_s: float = Field(default=30.0, gt=0, le=600)
    """How long AWS may stay silent within one call."""

    retention_days: int = Field(default=365, ge=1, le=36_500)
    """How long a closed incident is kept, with everything that belongs to it."""

    @model_validator(mode="after")
    def _store_url_is_a_url(self) -> Self:
        if self.store_url is not None and "://" not in self.store_url.get_secret_value():
            raise ValueError(f"{PREFIX}STORE_URL: expected a URL such as sqlite:///file.db or postgresql+psycopg://…")
        return self

    @property
    def database_url(self) -> str:
        """The store's SQLAlchemy URL, password included: for connecting, not for printing."""
        if self.store_url is not None:
            return self.store_url.get_secret_value()
        return f"sqlite:///{(self.home.expanduser() / 'recloser.db').absolute()}"


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: A variable cannot be used; the message names it and what was expected, never its value.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(error))) from None


def _explain(error: ValidationError) -> list[str]:
    return [_line(str(problem["loc"][0]) if problem["loc"] else "", problem["msg"]) for problem in error.errors()]


def _line(field: str, message: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"{PREFIX}{field.upper()}: {message[:1].lower()}{message[1:]}" if field else message
