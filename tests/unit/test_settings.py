"""The environment becomes one value, or one clear message."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from recloser.settings import Settings, SettingsError, load_settings


def test_without_variables_all_lies_in_the_working_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The defaults need no environment; the store is a file in the home folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RECLOSER_HOME", raising=False)
    settings = load_settings()
    assert settings.home == Path(".recloser")
    assert settings.database_url == f"sqlite:///{tmp_path}/.recloser/recloser.db"
    assert settings.calls_per_s == 45


def test_variables_replace_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting has its variable; an empty one counts as absent."""
    monkeypatch.setenv("RECLOSER_STORE_URL", "postgresql+psycopg://me:hunter22@db/recloser")
    monkeypatch.setenv("RECLOSER_CALLS_PER_S", "10")
    monkeypatch.setenv("RECLOSER_CALL_TIMEOUT_S", "")
    settings = load_settings()
    assert settings.database_url == "postgresql+psycopg://me:hunter22@db/recloser"
    assert (settings.calls_per_s, settings.call_timeout_s) == (10, 30)


def test_the_store_s_password_is_not_printed() -> None:
    """Settings end up in logs."""
    assert "hunter22" not in repr(Settings(store_url="postgresql://me:hunter22@db/x"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("RECLOSER_CALLS_PER_S", "ninety", "RECLOSER_CALLS_PER_S: input should be a valid number"),
        ("RECLOSER_CALLS_PER_S", "90", "RECLOSER_CALLS_PER_S: input should be less than or equal to 50"),
        ("RECLOSER_CALL_TIMEOUT_S", "-1", "RECLOSER_CALL_TIMEOUT_S: input should be greater than 0"),
        ("RECLOSER_STORE_URL", "hunter22", "RECLOSER_STORE_URL: expected a URL"),
    ],
)
def test_a_bad_value_is_one_message(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str) -> None:
    """The message names the variable and what was expected, not the value: it may be a secret."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith(expected)
    assert "hunter22" not in str(caught.value)


def test_settings_cannot_be_changed() -> None:
    """What was checked once stays as it was."""
    with pytest.raises(ValidationError):
        Settings().home = Path("/elsewhere")  # type: ignore[misc]
