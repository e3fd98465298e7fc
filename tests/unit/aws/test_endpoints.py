"""Half local, half real is refused before the first call."""

import pytest

from recloser.aws import Misconfigured
from recloser.aws.endpoints import check_endpoints, is_aws

REAL = {"sts": "https://sts.us-east-1.amazonaws.com", "batch": "https://batch.us-east-1.amazonaws.com"}
LOCAL = {"sts": "http://127.0.0.1:1", "batch": "http://127.0.0.1:2"}
BOTH = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_BATCH": "http://127.0.0.1:2"}


@pytest.mark.parametrize(
    ("endpoints", "environment"),
    [
        (REAL, {}),
        (LOCAL, BOTH),
        (LOCAL, {}),  # from a configuration file
        ({**LOCAL, "batch": LOCAL["sts"]}, BOTH),  # one server for all, said twice
        ({**REAL, "batch": "https://vpce-1.batch.us-east-1.vpce.amazonaws.com"}, {}),
        (REAL, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}),
        (LOCAL, {**BOTH, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"}),
    ],
)
def test_one_aws_is_accepted(endpoints: dict[str, str], environment: dict[str, str]) -> None:
    """All local or all real, however it was said."""
    check_endpoints(endpoints, environment)


@pytest.mark.parametrize(
    ("endpoints", "environment", "message"),
    [
        (
            {**REAL, "batch": LOCAL["batch"]},
            {"AWS_ENDPOINT_URL_BATCH": "x"},
            "AWS_ENDPOINT_URL_BATCH is set, but AWS_EN",
        ),
        (
            dict.fromkeys(LOCAL, LOCAL["sts"]),
            {"AWS_ENDPOINT_URL": "x"},
            "AWS_ENDPOINT_URL is set, but AWS_ENDPOINT_URL_B",
        ),
        ({**REAL, "s3": "http://10.0.0.1"}, {"AWS_ENDPOINT_URL_S3": "x"}, "mixed: s3 .http://10.0.0.1. would be local"),
        (
            REAL,
            {**BOTH, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "True"},
            "switches AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_B",
        ),
    ],
)
def test_a_mixture_is_refused_naming_the_variable(
    endpoints: dict[str, str], environment: dict[str, str], message: str
) -> None:
    """A forgotten variable must not send a sandbox's job to a real account."""
    with pytest.raises(Misconfigured, match=message):
        check_endpoints(endpoints, environment)


@pytest.mark.parametrize(
    ("url", "real"),
    [
        ("https://s3.cn-north-1.amazonaws.com.cn", True),
        ("https://s3.dualstack.us-east-1.amazonaws.com", True),
        ("https://batch.us-east-1.api.aws", True),
        ("http://amazonaws.com.evil.example", False),
        ("http://localhost:4566", False),
    ],
)
def test_real_aws_is_known_by_its_domain(url: str, real: bool) -> None:  # noqa: FBT001
    """All partitions count; look-alikes do not."""
    assert is_aws(url) is real
