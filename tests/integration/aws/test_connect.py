"""The way into the sandbox."""

import pytest

from recloser.aws import Account, CredentialsError, NotFound, connect
from recloser.settings import Settings

pytestmark = pytest.mark.sandbox


def test_the_user_is_known_by_name(account: Account) -> None:
    """The identity is a user with a written policy, not root."""
    assert account.identity_arn.endswith(":user/gateways")
    assert account.region == "us-east-1"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AWS_SECRET_ACCESS_KEY", "wrong"), ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), ("AWS_SESSION_TOKEN", "stale")],
)
def test_wrong_credentials_are_told(
    account: Account, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """A wrong secret, an unknown key and a left-over token are one kind of problem."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(CredentialsError, match="does not accept the credentials"):
        connect(Settings())


def test_the_wrong_region_shows_in_the_first_question(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials are good everywhere; that nothing is there is told with the region's name."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with pytest.raises(NotFound, match="in eu-west-1: is the region right"):
        connect(Settings()).batch.check_queue("optimo")
