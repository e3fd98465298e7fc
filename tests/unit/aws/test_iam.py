"""Policies of the job role."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.aws import IamGateway, MalformedAnswer, canonical
from tests.unit.aws.wire import Wire

ANY_TIME = settings(deadline=None)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@ANY_TIME
@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_the_canonical_form_is_one_for_equal_documents(document: dict[str, object]) -> None:
    """Order, spacing and URL-encoding do not matter; the content is kept; the form is stable."""
    text = canonical(json.dumps(document))
    shuffled = dict(reversed(document.items()))
    assert json.loads(text) == document
    assert canonical(text) == text
    assert canonical(json.dumps(shuffled, indent=7)) == text
    assert canonical(quote(json.dumps(document))) == text


def test_the_canonical_form_reads_well_in_a_diff() -> None:
    """One fact a line."""
    assert canonical('{"b":["x"],"a":1}') == '{\n  "a": 1,\n  "b": [\n    "x"\n  ]\n}'


@pytest.mark.parametrize(
    ("decision", "expected"), [("allowed", True), ("implicitDeny", False), ("explicitDeny", False)]
)
def test_only_allowed_means_allowed(wire: Wire, decision: str, expected: bool) -> None:  # noqa: FBT001
    """Both kinds of denial are denials."""
    wire.answer(
        f"""<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults><member>
        <EvalActionName>s3:GetObject</EvalActionName><EvalDecision>{decision}</EvalDecision>
        </member></EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"""
    )
    assert (
        IamGateway(wire.client("iam")).allows("arn:aws:iam::1:role/r", "s3:GetObject", "arn:aws:s3:::b/k") is expected
    )


@pytest.mark.parametrize("answer", ["<a><b/></a>", "not xml", ""])
def test_nonsense_is_a_typed_error(wire: Wire, answer: str) -> None:
    """No decision is not a decision."""
    wire.answer(answer)
    with pytest.raises(MalformedAnswer):
        IamGateway(wire.client("iam")).allows("arn:aws:iam::1:role/r", "s3:GetObject", "*")
