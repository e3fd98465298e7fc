"""Which call was refused on what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.healing.denials import Denial, denials

WHERE = {"account_id": "000000000000", "region": "us-east-1"}
IDENTITY = "User: arn:aws:sts::000000000000:assumed-role/optimo-job/abc"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            f"AccessDenied: {IDENTITY} is not authorized to perform: s3:GetObject "
            'on resource: "arn:aws:s3:::b/in/load.csv" because no identity-based policy allows the s3:GetObject action',
            Denial(action="s3:GetObject", resource="arn:aws:s3:::b/in/load.csv"),
            id="AWS names the resource",
        ),
        pytest.param(
            "ERROR cannot read s3://data/in/load.csv: An error occurred (AccessDenied) when calling the GetObject "
            "operation: Access Denied",
            Denial(action="s3:GetObject", resource="arn:aws:s3:::data/in/load.csv"),
            id="the job names the object",
        ),
        pytest.param(
            f"table optimo-jobs: AccessDeniedException: {IDENTITY} is not authorized to perform: dynamodb:UpdateItem",
            Denial(action="dynamodb:UpdateItem", resource="arn:aws:dynamodb:us-east-1:000000000000:table/optimo-jobs"),
            id="the job names the table",
        ),
        pytest.param(
            "An error occurred (AccessDenied) when calling the HeadObject operation for s3://data/x: denied",
            Denial(action="s3:GetObject", resource="arn:aws:s3:::data/x"),
            id="HeadObject needs s3:GetObject",
        ),
        pytest.param(
            "s3://data/in/: An error occurred (AccessDenied) when calling the ListObjectsV2 operation: Access Denied",
            Denial(action="s3:ListBucket", resource="arn:aws:s3:::data"),
            id="a listing is authorised on the bucket",
        ),
    ],
)
def test_a_refused_call_is_read_from_its_line(line: str, expected: Denial) -> None:
    """The exact action and the exact resource, however the line puts it."""
    assert denials([line], **WHERE) == (expected,)


def test_an_unnamed_resource_is_kept_as_unknown() -> None:
    """A grant needs a resource; a line without one must not lose the denial, nor invent the resource."""
    line = "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied"
    assert denials([line], **WHERE) == (Denial(action="s3:PutObject"),)


def test_a_traceback_that_repeats_the_error_adds_nothing() -> None:
    """The same denial without its resource is the same denial."""
    error = "An error occurred (AccessDenied) when calling the GetObject operation: Access Denied"
    found = denials([f"cannot read s3://data/load.csv: {error}", f"ClientError: {error}"], **WHERE)
    assert found == (Denial(action="s3:GetObject", resource="arn:aws:s3:::data/load.csv"),)


@pytest.mark.parametrize(
    "line",
    [
        "bash: ./run.sh: Permission denied",
        "KeyError: 'OPTIMO_INPUT_DIR'",
        "reading s3://data/in/load.csv",
        "An error occurred (NoSuchKey) when calling the GetObject operation for s3://data/x",
    ],
)
def test_other_lines_are_no_denials(line: str) -> None:
    """A mode bit, a missing key or a mention of an object is no refused AWS call."""
    assert denials([line], **WHERE) == ()


@given(st.lists(st.text()))
def test_hostile_lines_never_yield_a_wildcard(lines: list[str]) -> None:
    """Whatever a log says, what is read from it names an action and at most one ARN."""
    for denial in denials(lines, **WHERE):
        assert ":" in denial.action
        assert denial.resource is None or denial.resource.startswith("arn:")
