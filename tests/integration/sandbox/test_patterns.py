"""Event patterns mean what EventBridge's own TestEventPattern says they mean."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from recloser.sandbox.batch.patterns import matches

if TYPE_CHECKING:
    from tests.sandbox_fixture import SandboxUnderTest

pytestmark = pytest.mark.sandbox

WORDS = st.text(st.sampled_from("abAB*"), max_size=4)
NUMBERS = st.sampled_from([-1, 0, 1, 1.0, 2.5, 10])
SCALARS = WORDS | NUMBERS | st.booleans() | st.none()
NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
WILD = st.lists(st.sampled_from(["a", "B", "*", "\\*", "\\\\"]), max_size=4).map("".join)
MANY = WORDS | st.lists(WORDS, min_size=1, max_size=2)
NESTED = st.one_of(
    st.builds(lambda word: {"prefix": word}, WORDS.filter(bool)),
    st.builds(lambda word: {"suffix": word}, WORDS.filter(bool)),
    st.builds(lambda word: {"wildcard": word}, WILD),
    st.builds(lambda word: {"equals-ignore-case": word}, MANY),
)
OPERATORS = st.one_of(
    NESTED,
    st.builds(lambda word: {"prefix": {"equals-ignore-case": word}}, WORDS),
    st.builds(lambda word: {"suffix": {"equals-ignore-case": word}}, WORDS),
    st.builds(lambda flag: {"exists": flag}, st.booleans()),
    st.builds(lambda other: {"anything-but": other}, NESTED | WORDS | NUMBERS | st.lists(WORDS, min_size=1)),
    st.builds(lambda order, bound: {"numeric": [order, bound]}, st.sampled_from(["=", "<", "<=", ">", ">="]), NUMBERS),
    st.builds(lambda low, high: {"numeric": [">", low, "<=", high]}, NUMBERS, NUMBERS),
)
LEAVES = st.lists(SCALARS | OPERATORS, min_size=1, max_size=3)
FIELDS = st.recursive(
    st.dictionaries(NAMES, LEAVES, min_size=1, max_size=2),
    lambda inner: st.one_of(
        st.dictionaries(NAMES, inner | LEAVES, min_size=1, max_size=2),
        # a field both in and beside $or has no documented meaning
        st.builds(lambda ways, own: {"$or": ways, "d": own}, st.lists(inner, min_size=2, max_size=3), LEAVES),
    ),
    max_leaves=4,
)


def event_of(detail: Any) -> dict[str, Any]:
    """A whole event."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "Batch Job State Change",
        "source": "aws.batch",
        "account": "000000000000",
        "time": "2026-11-21T12:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:batch:us-east-1:000000000000:job/x"],
        "detail": detail,
    }


def oracle(sandbox: SandboxUnderTest, pattern: dict[str, Any], event: dict[str, Any]) -> bool | None:
    """What TestEventPattern says; None when it refuses the pattern."""
    try:
        answer = sandbox.client("events").test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))
    except sandbox.client("events").exceptions.InvalidEventPatternException:
        return None
    return bool(answer["Result"])


def repeats(pattern: dict[str, Any], outer: frozenset[str] = frozenset()) -> bool:
    """Whether an alternative of an `$or` names a field that stands beside it too: the oracle keeps one of them."""
    names = outer | (pattern.keys() - {"$or"})
    return any(
        not names.isdisjoint(alternative) or repeats(alternative, names) for alternative in pattern.get("$or", ())
    )


# The same examples every time: a disagreement with another's matcher is looked for by hand, not by chance in CI.
@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(FIELDS, st.dictionaries(NAMES | st.just("d"), VALUES, max_size=3))
def test_patterns_mean_what_eventbridge_says(
    sandbox: SandboxUnderTest, pattern: dict[str, Any], detail: dict[str, Any]
) -> None:
    """Whatever pattern EventBridge takes, both agree on whether an event matches it."""
    assume(not repeats(pattern))
    event = event_of(detail)
    said = oracle(sandbox, {"detail": pattern}, event)
    assume(said is not None)
    assert matches({"detail": pattern}, event) is said


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["aws.batch"], "detail-type": ["Batch Job State Change"]}, True),
        ({"source": ["aws.ecs"]}, False),
        ({"source": [{"prefix": "aws."}], "region": [{"anything-but": "eu-west-1"}]}, True),
        ({"detail": {"status": ["SUCCEEDED", "FAILED"], "jobQueue": [{"suffix": "/main"}]}}, True),
        ({"detail": {"status": ["RUNNING"]}}, False),
        ({"detail": {"attempts": {"container": {"exitCode": [{"numeric": [">", 0]}]}}}}, True),
        ({"detail": {"container": {"exitCode": [{"exists": False}]}}}, True),
        ({"resources": [{"wildcard": "arn:aws:batch:*:job/x"}]}, True),
        ({"$or": [{"source": ["aws.ecs"]}, {"detail": {"status": ["FAILED"]}}]}, True),
        ({"detail": {"ip": [{"cidr": "10.0.0.0/8"}]}}, True),
        ({"nonesuch": [{"exists": False}]}, True),
    ],
)
def test_patterns_as_people_write_them(sandbox: SandboxUnderTest, pattern: dict[str, Any], expected: bool) -> None:  # noqa: FBT001
    """The usual patterns on a job's event."""
    detail = {
        "status": "FAILED",
        "jobQueue": "arn:aws:batch:us-east-1:000000000000:job-queue/main",
        "attempts": [{"container": {}}, {"container": {"exitCode": 3}}],
        "container": {},
        "ip": "10.1.2.3",
    }
    assert matches(pattern, event_of(detail)) is expected
    assert oracle(sandbox, pattern, event_of(detail)) is expected
