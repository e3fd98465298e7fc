"""Whatever boto3 raises becomes one error that says what to do."""

import pickle

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    ProfileNotFound,
    ReadTimeoutError,
)

from recloser.aws import (
    AccessRefused,
    AwsError,
    CredentialsError,
    MalformedAnswer,
    Misconfigured,
    NotFound,
    Rejected,
    ServiceFailed,
    Throttled,
    Unreachable,
)
from recloser.aws.translation import is_loopback, sensible, translated


def answer(code: str, message: str = "", status: int = 400) -> ClientError:
    """What boto3 raises for an error answer."""
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Whatever",
    )


def translation_of(error: Exception, service: str = "batch", operation: str = "SubmitJob") -> AwsError:
    """The error a gateway's caller gets."""
    with pytest.raises(AwsError) as caught, translated(service, operation):
        raise error
    assert (caught.value.service, caught.value.operation) == (service, operation)
    return caught.value


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (answer("ExpiredTokenException"), CredentialsError),
        (answer("SignatureDoesNotMatch", status=403), CredentialsError),
        (answer("AccessDeniedException"), AccessRefused),
        (answer("403", status=403), AccessRefused),
        (answer("NoSuchKey", status=404), NotFound),
        (answer("404", status=404), NotFound),
        (answer("ThrottlingException"), Throttled),
        (answer("SlowDown", status=503), Throttled),
        (answer("SomethingNew", status=429), Throttled),
        (answer("ServerException", status=500), ServiceFailed),
        (answer("SomethingNew", status=503), ServiceFailed),
        (answer("ClientException"), Rejected),
        (answer(""), Rejected),
        (ParamValidationError(report="x"), Rejected),
        (NoCredentialsError(), CredentialsError),
        (ProfileNotFound(profile="p"), CredentialsError),
        (NoRegionError(), Misconfigured),
        (EndpointConnectionError(endpoint_url="https://batch.us-east-1.amazonaws.com/"), Unreachable),
        (ConnectTimeoutError(endpoint_url="https://batch.us-east-1.amazonaws.com/"), Unreachable),
        (ReadTimeoutError(endpoint_url="https://batch.us-east-1.amazonaws.com/"), Unreachable),
    ],
)
def test_each_failure_has_its_kind(error: Exception, kind: type[AwsError]) -> None:
    """The kind decides what a caller does, so it is exact."""
    assert type(translation_of(error)) is kind


@pytest.mark.parametrize("kind", AwsError.__subclasses__())
def test_only_what_may_pass_by_itself_is_transient(kind: type[AwsError]) -> None:
    """Retrying anything else wastes a person's time."""
    error = kind("x", service="batch", operation="SubmitJob")
    assert error.is_transient == (kind in {Throttled, Unreachable, ServiceFailed})


def test_errors_travel_between_processes() -> None:
    """Whoever runs a task elsewhere gets the same error back."""
    refused = translation_of(answer("AccessDeniedException", "no"))
    back = pickle.loads(pickle.dumps(refused))  # noqa: S301 - our own bytes
    assert type(back) is AccessRefused
    assert (str(back), vars(back)) == (str(refused), vars(refused))


@pytest.mark.parametrize(
    ("error", "service", "operation", "action"),
    [
        (answer("AccessDenied", "User: x is not authorized to perform: iam:PassRole on resource: y"), "batch",
         "SubmitJob", "iam:PassRole"),
        (answer("AccessDeniedException", "no"), "batch", "TerminateJob", "batch:TerminateJob"),
        (answer("403", status=403), "s3", "HeadObject", "s3:GetObject"),
        (answer("AccessDenied", status=403), "s3", "ListObjectsV2", "s3:ListBucket"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_missing_action(error: ClientError, service: str, operation: str, action: str) -> None:
    """AWS's message names it; where it does not, it follows from the call."""
    refused = translation_of(error, service, operation)
    assert isinstance(refused, AccessRefused)
    assert refused.action == action
    assert action in str(refused)


@pytest.mark.parametrize(
    ("url", "service", "expected"),
    [
        (
            "http://127.0.0.1:9/",
            "sts",
            "http://127.0.0.1:9 (AWS_ENDPOINT_URL): is the sandbox up? `recloser sandbox up`",
        ),
        ("http://localhost:9/v1", "batch", "http://localhost:9 (AWS_ENDPOINT_URL_BATCH): is the sandbox up?"),
        ("https://sts.amazonaws.com/", "sts", "https://sts.amazonaws.com: is the network up"),
    ],
)
def test_an_unreachable_endpoint_is_named_with_what_to_do(url: str, service: str, expected: str) -> None:
    """On this machine it is the sandbox that is down, elsewhere the network."""
    assert expected in str(translation_of(EndpointConnectionError(endpoint_url=url), service))


def test_messages_are_clean_and_hold_no_secrets() -> None:
    """AWS's text is shown to people, and some of it comes from whoever wrote the request."""
    text = str(translation_of(answer("ClientException", "bad\x1b[2J password=hunter22\n")))
    assert text == "batch SubmitJob: bad password=[redacted] (ClientException)"


def test_our_own_mistakes_are_not_blamed_on_aws() -> None:
    """A bug inside a gateway stays the exception it is."""
    with pytest.raises(AttributeError), translated("batch", "SubmitJob"):
        _ = None.nonsense  # type: ignore[attr-defined]


def test_an_answer_that_cannot_be_read_is_malformed() -> None:
    """The message says where reading stopped."""
    with (
        pytest.raises(MalformedAnswer, match="malformed answer to batch ListJobs: KeyError: 'jobId'"),
        sensible("batch", "ListJobs"),
    ):
        _ = dict[str, str]()["jobId"]


@pytest.mark.parametrize(
    ("url", "loopback"),
    [("http://127.0.0.1:1", True), ("http://[::1]:1", True), ("http://localhost", True), ("http://10.0.0.1", False),
     ("https://localhost.example.com", False), ("", False)],
)  # fmt: skip
def test_loopback_is_this_machine_only(url: str, loopback: bool) -> None:  # noqa: FBT001
    """The sandbox listens nowhere else."""
    assert is_loopback(url) is loopback


@pytest.mark.parametrize(
    ("region", "said"),
    [("us-esat-1", "did you mean 'us-east-1'?"), ("us-east-1", "is the network up"), ("atlantis", "no AWS region")],
)
def test_a_misspelt_region_is_named(region: str, said: str) -> None:
    """The address cannot be reached because there is none."""
    error = EndpointConnectionError(endpoint_url=f"https://batch.{region}.amazonaws.com/")
    assert said in str(translation_of(error))
