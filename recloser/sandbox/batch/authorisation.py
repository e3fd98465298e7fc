"""May they? Each Batch call authorised on the resources AWS authorises it on, by IAM's policies.

A grant is believed for seconds; a refusal is always checked against what IAM says now, so that a policy works as soon
as it is attached.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from recloser.sandbox.batch.model import BatchError
from recloser.sandbox.batch.needs import needs_of
from recloser.sandbox.batch.policies import Decision, Request, Verdict, judge
from recloser.sandbox.ministack import ACCOUNT
from recloser.sandbox.ports import LOOPBACK

if TYPE_CHECKING:
    from recloser.sandbox.batch.conditions import Facts
    from recloser.sandbox.batch.context import Context
    from recloser.sandbox.batch.model import Document
    from recloser.sandbox.batch.principals import Principal, Principals

_PASS_ROLE: Final = "iam:PassRole"  # noqa: S105 - an action


class Authorisation:
    """Judges calls; used from the event loop."""

    def __init__(self, principals: Principals) -> None:
        self._principals = principals

    async def check(self, arn: str | None, operation: str, context: Context, document: Document) -> None:
        """Let a call through or refuse it.

        Args:
            arn: Who calls; None for a session that MiniStack allows the action and nobody here knows.
            operation: What is called.
            context: Where.
            document: With which arguments.

        Raises:
            BatchError: 403, in AWS's words.
        """
        needs = needs_of(operation, context, document)
        if arn is None:
            _check_stranger(needs)
            return
        try:
            refused = _first_refusal(await self._principals.find(arn), needs, context.region)
            if refused is not None:
                refused = _first_refusal(await self._principals.fetch(arn), needs, context.region)
        except (BotoCoreError, ClientError) as error:
            message = f"the policies of {arn} could not be read: {error}"
            raise BatchError(message, code="ServerException", status=500) from error
        if refused is not None:
            raise _denied(arn, *refused)


def _first_refusal(principal: Principal, needs: list[Request], region: str) -> tuple[Request, Verdict] | None:
    common = _common(principal, region)
    for need in needs:
        request = Request(need.action, need.resource, {**common, **need.facts})
        verdict = judge(request, principal.identity, principal.boundary)
        if not verdict.is_allowed:
            return request, verdict
    return None


def _common(principal: Principal, region: str) -> Facts:
    now = datetime.now(UTC)
    return {
        **principal.facts,
        "aws:currenttime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:epochtime": str(int(now.timestamp())),
        "aws:principalisawsservice": "false",
        "aws:requestedregion": region,
        "aws:resourceaccount": ACCOUNT,
        "aws:securetransport": "false",
        "aws:sourceip": LOOPBACK,
        "aws:viaawsservice": "false",
    }


def _check_stranger(needs: list[Request]) -> None:
    for need in needs:
        if need.action == _PASS_ROLE:
            message = (
                f"The caller is not authorized to perform: {_PASS_ROLE} on resource: {need.resource}: the sandbox "
                "cannot tell whose session this is; assume the role through AWS_ENDPOINT_URL_STS"
            )
            raise BatchError(message, code="AccessDeniedException", status=403)


def _denied(arn: str, request: Request, verdict: Verdict) -> BatchError:
    why = (
        f"with an explicit deny in {_article(verdict.kind)}"
        if verdict.decision is Decision.DENIED
        else f"because no {verdict.kind} allows the {request.action} action"
    )
    doubts = "".join(f". The sandbox did not understand {doubt}" for doubt in verdict.doubts)
    what = f"{request.action} on resource: {request.resource}"
    message = f"User: {arn} is not authorized to perform: {what} {why}{doubts}"
    return BatchError(message, code="AccessDeniedException", status=403)


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
