"""The way in: who we are is found out first, and what stands in the way is said plainly."""

import pytest
from pydantic import SecretStr

from recloser.aws import (
    CredentialsError,
    MalformedAnswer,
    Misconfigured,
    ServiceFailed,
    Unreachable,
    account,
    connect,
)
from recloser.settings import Settings
from recloser.values import JobSpec
from tests.unit.aws.wire import Wire

IDENTITY = """<GetCallerIdentityResponse><GetCallerIdentityResult>
<Arn>arn:aws:iam::000000000000:user/recloser</Arn><UserId>A</UserId><Account>000000000000</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, wire: Wire) -> None:
    """An environment that names this wire and nothing else."""
    given = {
        "AWS_ENDPOINT_URL": wire.url,
        "AWS_ENDPOINT_URL_BATCH": wire.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.delenv(name, raising=False)


def test_connecting_finds_out_who_and_where_we_are(wire: Wire) -> None:
    """One call, and every gateway is there."""
    wire.answer(IDENTITY)
    found = connect(Settings())
    assert (found.identity_arn, found.account_id, found.region) == (
        "arn:aws:iam::000000000000:user/recloser",
        "000000000000",
        "us-east-1",
    )
    assert len(wire.requests) == 1


def test_a_failed_submission_is_not_repeated(wire: Wire) -> None:
    """SubmitJob is not idempotent: its answer may be lost after the job was made, so the caller looks first."""
    wire.answer(IDENTITY)
    wire.answer({"message": "oops"}, status=500)
    batch = connect(Settings()).batch
    with pytest.raises(ServiceFailed):
        batch.submit(JobSpec(name="j", queue="q", definition="d", environment={"A": SecretStr("b")}))
    assert len(wire.requests) == 2


def test_every_batch_request_waits_its_turn(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are counted on the wire, so that no call can forget to; other services are not held up."""
    turns: list[None] = []

    class Counter:
        def acquire(self) -> None:
            turns.append(None)

    monkeypatch.setattr(account, "limiter_of", lambda *_: Counter())
    wire.answer(IDENTITY)
    wire.answer({"jobs": [], "jobId": "j", "Item": {}})
    found = connect(Settings())
    found.batch.describe(f"j{number}" for number in range(150))
    found.batch.submit(JobSpec(name="j", queue="q", definition="d"))
    found.job_table.exists("t")
    assert len(turns) == 3


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, CredentialsError, "recloser sandbox env"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, CredentialsError, "AWS_SECRET_ACCESS_KEY"),
        ({"AWS_PROFILE": "nobody"}, CredentialsError, "nobody"),
        ({"AWS_DEFAULT_REGION": ""}, Misconfigured, "no AWS region: set AWS_DEFAULT_REGION"),
        ({"AWS_DEFAULT_REGION": "", "AWS_REGION": "us-east-1"}, Misconfigured, "boto3 does not read it"),
        ({"AWS_DEFAULT_REGION": "no region"}, Misconfigured, "no region"),
        ({"AWS_ENDPOINT_URL": ""}, Misconfigured, "AWS_ENDPOINT_URL is not: set both"),
        ({"AWS_ENDPOINT_URL_BATCH": ""}, Misconfigured, "AWS_ENDPOINT_URL_BATCH is not: set both"),
        ({"AWS_ENDPOINT_URL": "garbage"}, Misconfigured, "Invalid endpoint: garbage"),
        ({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, Misconfigured, "would go to real AWS"),
        ({"AWS_CONFIG_FILE": __file__}, Misconfigured, "Unable to parse config file"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, Unreachable, "is the sandbox up"),
    ],
)
def test_what_stands_in_the_way_is_said_before_anything_is_called(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], error: type[Exception], message: str
) -> None:
    """One message for the person who must act, and no call to anybody."""
    for name, value in changes.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    with pytest.raises(error, match=message):
        connect(Settings())
    assert wire.requests == []


def test_credentials_that_aws_does_not_accept_are_told_from_none(wire: Wire) -> None:
    """AWS's own words are kept."""
    wire.answer(
        "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>The security token is invalid.</Message>"
        "</Error></ErrorResponse>",
        status=403,
    )
    with pytest.raises(CredentialsError, match="does not accept the credentials: .*The security token is invalid"):
        connect(Settings())


@pytest.mark.parametrize("answer", ["<html><body>Welcome</body></html>", "Welcome", '{"hello": "world"}'])
def test_an_endpoint_that_is_not_aws_is_named(wire: Wire, answer: str) -> None:
    """Any web server answers on a port."""
    wire.answer(answer)
    with pytest.raises(MalformedAnswer, match="sts GetCallerIdentity"):
        connect(Settings())
