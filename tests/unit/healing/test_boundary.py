"""The one place where a grant is allowed or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from recloser.healing.denials import Denial
from recloser.healing.remedies.boundary import within_boundary
from recloser.target import PermissionGuardrails

BOUNDARY = PermissionGuardrails(
    actions=("s3:GetObject", "dynamodb:UpdateItem"),
    resources=("arn:aws:s3:::data/inputs/*", "arn:aws:dynamodb:*:*:table/jobs"),
)
ACTIONS = st.sampled_from(
    ["s3:GetObject", "s3:PutObject", "iam:PassRole", "sts:AssumeRole", "s3:*", "*", "kms:Decrypt"]
)
ARNS = st.one_of(st.text(), st.from_regex(r"arn:aws:s3:::data/(inputs|outputs)/[a-z*?]{0,6}", fullmatch=True))


def denial(action: str, resource: str | None) -> Denial:
    """A denial of the given parts."""
    return Denial(action=action, resource=resource)


def test_what_is_declared_is_within() -> None:
    """An exact action and an exact resource that a declared pattern covers."""
    assert within_boundary(BOUNDARY, denial("s3:GetObject", "arn:aws:s3:::data/inputs/load.csv"))
    table = "arn:aws:dynamodb:eu-west-1:111122223333:table/jobs"
    assert within_boundary(BOUNDARY, denial("dynamodb:UpdateItem", table))


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutObject", "arn:aws:s3:::data/inputs/load.csv"),
        ("s3:GetObject", "arn:aws:s3:::other/inputs/load.csv"),
        ("s3:GetObject", "arn:aws:s3:::data/inputs/*"),
        ("s3:GetObject", "arn:aws:s3:::data/inputs/${aws:username}"),
        ("s3:GetObject", None),
        ("s3:getobject", "arn:aws:s3:::data/inputs/load.csv"),
    ],
)
def test_anything_else_is_outside(action: str, resource: str | None) -> None:
    """An undeclared action, another resource, a wildcard, a policy variable, no resource at all."""
    assert not within_boundary(BOUNDARY, denial(action, resource))


@given(action=ACTIONS, resource=ARNS)
def test_no_wildcard_and_nothing_undeclared_is_ever_granted(action: str, resource: str) -> None:
    """Whatever is asked for, what passes is declared by name and exact."""
    if within_boundary(BOUNDARY, denial(action, resource)):
        assert action in BOUNDARY.actions
        assert resource.startswith("arn:aws:s3:::data/inputs/")
        assert not set(resource) & set("*?$")


@given(resource=ARNS)
def test_rights_over_rights_are_never_granted(resource: str) -> None:
    """Even a boundary that was built around its own check cannot let iam, sts or kms through."""
    forged = PermissionGuardrails.model_construct(actions=("iam:PassRole", "sts:AssumeRole"), resources=("*",))
    assert not within_boundary(forged, denial("iam:PassRole", resource))
    assert not within_boundary(forged, denial("sts:AssumeRole", resource))


@pytest.mark.parametrize("action", ["s3:*", "iam:PassRole", "kms:Decrypt", "GetObject"])
def test_a_boundary_cannot_declare_what_is_never_granted(action: str) -> None:
    """The mistake is found when recloser.toml is read."""
    with pytest.raises(ValidationError):
        PermissionGuardrails(actions=(action,))
