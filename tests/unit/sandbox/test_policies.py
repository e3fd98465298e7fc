"""IAM's evaluation: wildcards, case, deny before allow, boundaries, and doubt that never allows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.sandbox.batch.policies import Decision, Request, judge

QUEUE = "arn:aws:batch:us-east-1:000000000000:job-queue/main"
SUBMIT = Request("batch:SubmitJob", QUEUE)
WORDS = st.text(st.sampled_from("abAB:/-.+[](){^$\\\n é"), max_size=12)


def policy(
    effect: str = "Allow", action: Any = "batch:SubmitJob", resource: Any = QUEUE, **more: Any
) -> dict[str, Any]:
    """A document of one statement."""
    return {"Statement": [{"Sid": "it", "Effect": effect, "Action": action, "Resource": resource, **more}]}


def decide(*documents: dict[str, Any], request: Request = SUBMIT) -> Decision:
    """What the documents say of the request."""
    return judge(request, documents).decision


@pytest.mark.parametrize(
    ("document", "decision"),
    [
        (policy(), Decision.ALLOWED),
        (policy(action="BATCH:submitjob"), Decision.ALLOWED),
        (policy(action=["s3:*", "batch:Submit*"]), Decision.ALLOWED),
        (policy(action="batch:SubmitJo?"), Decision.ALLOWED),
        (policy(action="batch:SubmitJob?"), Decision.NOT_ALLOWED),
        (policy(action="*", resource="*"), Decision.ALLOWED),
        (policy(resource=QUEUE.upper()), Decision.NOT_ALLOWED),
        (policy(resource="arn:aws:batch:*:*:job-queue/*"), Decision.ALLOWED),
        (policy(resource="arn:aws:batch:*:*:job-queue/mai"), Decision.NOT_ALLOWED),
        ({"Statement": {"Effect": "Allow", "NotAction": "s3:*", "NotResource": "arn:aws:s3:::*"}}, Decision.ALLOWED),
        ({"Statement": {"Effect": "Allow", "NotAction": "batch:*", "Resource": "*"}}, Decision.NOT_ALLOWED),
        ({"Statement": {"Effect": "Allow", "Action": "*", "NotResource": "*main"}}, Decision.NOT_ALLOWED),
        (policy("Deny"), Decision.DENIED),
        ({}, Decision.NOT_ALLOWED),
    ],
)
def test_statements_cover_actions_and_resources(document: dict[str, Any], decision: Decision) -> None:
    """Actions match in any case, resources exactly; `*` and `?` are the only wildcards."""
    assert decide(document) is decision


@given(WORDS, WORDS, WORDS)
def test_star_stands_for_anything(before: str, hidden: str, after: str) -> None:
    """A text fits the pattern made of it by replacing a part with `*`, whatever characters it has."""
    request = Request("batch:SubmitJob", before + hidden + after)
    assert decide(policy(resource=f"{before}*{after}"), request=request) is Decision.ALLOWED


@given(WORDS, WORDS)
def test_only_wildcards_match_what_is_not_equal(pattern: str, resource: str) -> None:
    """Without wildcards a resource is matched by itself alone."""
    request = Request("batch:SubmitJob", resource)
    assert (decide(policy(resource=pattern), request=request) is Decision.ALLOWED) == (pattern == resource)


@given(WORDS, st.characters(codec="utf-8"), WORDS)
def test_question_mark_stands_for_one(before: str, one: str, after: str) -> None:
    """`?` is exactly one character."""
    document = policy(resource=f"{before}?{after}")
    assert decide(document, request=Request("batch:SubmitJob", before + one + after)) is Decision.ALLOWED
    assert decide(document, request=Request("batch:SubmitJob", before + after)) is Decision.NOT_ALLOWED


@given(st.text(alphabet="abcXYZ", min_size=1).flatmap(lambda word: st.tuples(st.just(word), st.just(word.swapcase()))))
def test_actions_ignore_case_and_resources_do_not(words: tuple[str, str]) -> None:
    """The same word in other case is the same action and another resource."""
    word, swapped = words
    request = Request(f"batch:{word}", word)
    assert decide(policy(action=f"BATCH:{swapped}", resource="*"), request=request) is Decision.ALLOWED
    assert decide(policy(action="*", resource=swapped), request=request) is Decision.NOT_ALLOWED


STATEMENTS = st.sampled_from(
    [
        policy(),
        policy(resource="*"),
        policy(action="s3:*"),
        policy("Deny"),
        policy("Deny", resource="other"),
        policy("Deny", Condition={"Bool": {"aws:SecureTransport": True}}),
        policy(Condition={"StringSounds": {"aws:x": "y"}}),
    ]
)


@given(st.lists(STATEMENTS, max_size=6), st.randoms())
def test_order_does_not_count_and_deny_wins(documents: list[dict[str, Any]], random: Any) -> None:
    """Whatever the order, one matching deny decides, and without any matching allow nothing is allowed."""
    request = Request("batch:SubmitJob", QUEUE, {"aws:securetransport": "false"})
    shuffled = random.sample(documents, len(documents))
    assert decide(*documents, request=request) is decide(*shuffled, request=request)
    denied = policy("Deny") in documents
    allowed = policy() in documents or policy(resource="*") in documents
    expected = Decision.DENIED if denied else Decision.ALLOWED if allowed else Decision.NOT_ALLOWED
    assert decide(*documents, request=request) is expected


@given(st.lists(STATEMENTS, max_size=4), st.lists(STATEMENTS, max_size=4))
def test_boundary_only_takes_away(own: list[dict[str, Any]], limits: list[dict[str, Any]]) -> None:
    """With a boundary a request is allowed exactly when both allow it."""
    boundary = {"Statement": [statement for document in limits for statement in document["Statement"]]}
    both = judge(SUBMIT, own).is_allowed and judge(SUBMIT, limits).is_allowed
    assert judge(SUBMIT, own, boundary).is_allowed == both


def test_verdict_names_the_kind_of_policy_that_decided() -> None:
    """A boundary that allows less is what the refusal is about."""
    verdict = judge(SUBMIT, [policy()], policy(action="s3:*"))
    assert (verdict.decision, verdict.kind) == (Decision.NOT_ALLOWED, "permissions boundary")
    assert judge(SUBMIT, [policy("Deny")], policy()).kind == "identity-based policy"


def test_what_is_not_understood_never_allows() -> None:
    """An unknown operator makes an allow worthless and leaves a deny standing; the verdict names the statement."""
    unknown = {"Condition": {"StringSounds": {"aws:username": "like"}}}
    request = Request("batch:SubmitJob", QUEUE, {"aws:username": "like"})
    doubt = "statement 'it': condition operator StringSounds"
    refused = judge(request, [policy(**unknown)])
    assert (refused.decision, refused.doubts) == (Decision.NOT_ALLOWED, (doubt,))
    denied = judge(request, [policy(), policy("Deny", **unknown)])
    assert (denied.decision, denied.doubts) == (Decision.DENIED, (doubt,))
    assert judge(request, [policy(), policy(**unknown)]).is_allowed


def test_variables_are_filled_in_and_never_become_wildcards() -> None:
    """`${aws:username}` is the caller's name, letter by letter; an unknown variable is not understood."""
    document = policy(resource="arn:aws:batch:*:*:job-queue/${aws:username}-*")

    def asked(name: str, queue: str) -> Decision:
        resource = f"arn:aws:batch:r:0:job-queue/{queue}"
        return decide(document, request=Request("batch:SubmitJob", resource, {"aws:username": name}))

    assert asked("ann", "ann-1") is Decision.ALLOWED
    assert asked("ann", "bob-1") is Decision.NOT_ALLOWED
    assert asked("*", "bob-1") is Decision.NOT_ALLOWED
    assert asked("*", "*-1") is Decision.ALLOWED
    star = policy(resource="a${*}")
    assert decide(star, request=Request("batch:SubmitJob", "a*")) is Decision.ALLOWED
    assert decide(star, request=Request("batch:SubmitJob", "ab")) is Decision.NOT_ALLOWED
    assert judge(SUBMIT, [policy(resource="${aws:wherever}")]).doubts
