"""Condition operators as IAM documents them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.sandbox.batch.conditions import NotUnderstoodError, hold

FACTS: dict[str, str | tuple[str, ...]] = {
    "iam:passedtoservice": "ecs-tasks.amazonaws.com",
    "aws:sourceip": "127.0.0.1",
    "aws:currenttime": "2026-11-21T12:00:00Z",
    "aws:securetransport": "false",
    "aws:username": "ann",
    "aws:tagkeys": ("cost", "team"),
    "aws:requesttag/team": "blue",
    "aws:principalarn": "arn:aws:iam::000000000000:role/path/x",
    "x:count": "10",
}
TEXT = st.text(st.sampled_from("abAB*?"), max_size=6)


@pytest.mark.parametrize(
    ("operator", "key", "values", "holds"),
    [
        ("StringEquals", "iam:PassedToService", "ecs-tasks.amazonaws.com", True),
        ("stringequals", "IAM:PASSEDTOSERVICE", ["x", "ecs-tasks.amazonaws.com"], True),
        ("StringEquals", "iam:PassedToService", "ecs-*", False),
        ("StringLike", "iam:PassedToService", "ecs-*", True),
        ("StringNotLike", "iam:PassedToService", ["ec2*", "ecs-*"], False),
        ("StringNotEquals", "iam:PassedToService", ["ec2", "batch"], True),
        ("StringEqualsIgnoreCase", "aws:username", "ANN", True),
        ("StringNotEqualsIgnoreCase", "aws:username", "ANN", False),
        ("StringEquals", "aws:RequestTag/Team", "blue", True),
        ("StringEquals", "aws:ResourceTag/Team", "blue", False),
        ("StringNotEquals", "aws:ResourceTag/Team", "blue", True),
        ("StringEqualsIfExists", "aws:ResourceTag/Team", "blue", True),
        ("StringEquals", "aws:username", "${aws:username}", True),
        ("Null", "aws:ResourceTag/Team", "true", True),
        ("Null", "aws:RequestTag/Team", True, False),
        ("Bool", "aws:SecureTransport", False, True),
        ("Bool", "aws:SecureTransport", "true", False),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", "true", True),
        ("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "127.0.0.0/8"], True),
        ("NotIpAddress", "aws:SourceIp", "127.0.0.1", False),
        ("NumericLessThan", "x:count", 11, True),
        ("NumericGreaterThanEquals", "x:count", "10", True),
        ("NumericNotEquals", "x:count", "10.0", False),
        ("NumericEquals", "aws:username", "1", False),
        ("DateLessThan", "aws:CurrentTime", "2026-11-21T13:00:00Z", True),
        ("DateGreaterThan", "aws:CurrentTime", "2027-01-01", False),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/path/*", True),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::000000000000:role/*", True),
        ("ArnLike", "aws:PrincipalArn", "arn:*", False),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/path/*", False),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team", "cost", "env"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team"], False),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["team"], True),
        ("ForAnyValue:StringLike", "aws:TagKeys", "x*", False),
        ("ForAllValues:StringEquals", "aws:ResourceTag/a", "b", True),
        ("ForAnyValue:StringEquals", "aws:ResourceTag/a", "b", False),
        ("ForAnyValue:StringNotEquals", "aws:TagKeys", "team", True),
        ("ForAllValues:StringNotEquals", "aws:TagKeys", "team", False),
    ],
)
def test_operators(operator: str, key: str, values: Any, *, holds: bool) -> None:
    """Each operator with one or several values, on keys that are there and keys that are not."""
    assert hold({operator: {key: values}}, FACTS) is holds


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ({"StringSounds": {"aws:username": "x"}}, "condition operator StringSounds"),
        ({"ForEach:StringEquals": {"aws:username": "x"}}, "condition operator ForEach:StringEquals"),
        ({"StringEquals": {"aws:Moon": "full"}}, "condition key aws:moon"),
        ({"StringEquals": {"aws:username": "${aws:Moon}"}}, "condition key aws:moon"),
        ({"StringEquals": {"aws:username": "${aws:TagKeys}"}}, "policy variable"),
        ({"StringEquals": "aws:username"}, "Condition block"),
    ],
)
def test_what_is_not_understood_is_named(conditions: Any, said: str) -> None:
    """Unknown operators, keys and variables are errors, not guesses."""
    with pytest.raises(NotUnderstoodError, match=said):
        hold(conditions, FACTS)


def test_a_condition_that_fails_settles_it() -> None:
    """Whatever is not understood does not matter when another condition is not met."""
    conditions = {"StringSounds": {"aws:username": "x"}, "StringEquals": {"aws:username": "bob"}}
    assert hold(conditions, FACTS) is False


@given(st.lists(TEXT, min_size=1, max_size=4), TEXT, st.sampled_from(["Equals", "Like", "EqualsIgnoreCase"]))
def test_negation_is_the_opposite(patterns: list[str], value: str, name: str) -> None:
    """On a key that is there, the negated operator holds exactly when the other does not."""
    facts = {"k": value}
    negated = {"Equals": "NotEquals", "Like": "NotLike", "EqualsIgnoreCase": "NotEqualsIgnoreCase"}[name]
    assert hold({f"String{name}": {"k": patterns}}, facts) != hold({f"String{negated}": {"k": patterns}}, facts)


@given(st.lists(TEXT, max_size=3), st.lists(TEXT, min_size=1, max_size=3))
def test_set_operators_are_all_and_any(values: list[str], patterns: list[str]) -> None:
    """ForAllValues and ForAnyValue are what their names say, with nothing found for an absent key."""
    facts: dict[str, str | tuple[str, ...]] = {"k": tuple(values)} if values else {}
    inside = [value in patterns for value in values]
    assert hold({"ForAllValues:StringEquals": {"k": patterns}}, facts) is all(inside)
    assert hold({"ForAnyValue:StringEquals": {"k": patterns}}, facts) is any(inside)
