"""The rules of the default event bus, as MiniStack's EventBridge keeps them, with the queues they send to.

EventBridge may send to a queue only when the queue's policy lets `events.amazonaws.com`; MiniStack does not check
that, so it is checked here.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from recloser.sandbox.batch.conditions import listed
from recloser.sandbox.batch.policies import Request, evaluate, statements_of
from recloser.sandbox.ministack import ACCOUNT
from recloser.sandbox.wire import RefusedError, WireError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recloser.sandbox.batch.model import Document
    from recloser.sandbox.wire import Wire

_SERVICE: Final = "events.amazonaws.com"
_ENABLED: Final = "ENABLED"
_SHAPING: Final = ("Input", "InputPath", "InputTransformer")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """A queue that gets the events of a rule."""

    region: str
    url: str
    group: str | None
    """Message group, for a FIFO queue."""
    is_open: bool
    """Whether the queue's policy lets EventBridge send."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One enabled rule."""

    pattern: Document
    targets: tuple[Target, ...]


class Rules:
    """What is known of the rules of each region; refreshed by whoever owns it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._known: dict[str, tuple[Rule, ...]] = {}
        self._warned: set[str] = set()

    def of(self, region: str) -> tuple[Rule, ...]:
        """The rules of a region as they were at the last refresh."""
        return self._known.get(region, ())

    @property
    def count(self) -> int:
        """How many there are in all regions."""
        return sum(map(len, self._known.values()))

    async def refresh(self, regions: Iterable[str]) -> None:
        """Ask for the rules of these regions; those of a region that cannot be asked stay."""
        for region in regions:
            try:
                self._known[region] = tuple([await self._rule(region, one) for one in await self._enabled(region)])
            except (RefusedError, WireError) as error:
                _LOG.warning("the event rules of %s could not be read: %s", region, error)

    async def _enabled(self, region: str) -> list[Document]:
        found: list[Document] = []
        more: dict[str, str] = {}
        while True:
            page = await self._wire.call("events", region, "AWSEvents.ListRules", more)
            found += [one for one in page["Rules"] if one["State"].startswith(_ENABLED) and one.get("EventPattern")]
            if not page.get("NextToken"):
                return found
            more = {"NextToken": page["NextToken"]}

    async def _rule(self, region: str, rule: Document) -> Rule:
        answer = await self._wire.call("events", region, "AWSEvents.ListTargetsByRule", {"Rule": rule["Name"]})
        targets = [await self._target(rule, one) for one in answer["Targets"]]
        return Rule(json.loads(rule["EventPattern"]), tuple(one for one in targets if one is not None))

    async def _target(self, rule: Document, target: Document) -> Target | None:
        parts = target["Arn"].split(":")
        if parts[2] != "sqs":
            self._warn(f"target {target['Arn']} of rule {rule['Name']} is no SQS queue; the sandbox sends it nothing")
            return None
        if any(name in target for name in _SHAPING):
            self._warn(f"target {target['Id']} of rule {rule['Name']} shapes its input; the sandbox sends whole events")
        try:
            url = (await self._sqs(parts[3], "GetQueueUrl", QueueName=parts[5]))["QueueUrl"]
            answer = await self._sqs(parts[3], "GetQueueAttributes", QueueUrl=url, AttributeNames=["Policy"])
        except RefusedError as error:
            self._warn(f"target {target['Arn']} of rule {rule['Name']}: {error}")
            return None
        is_open = admits(answer.get("Attributes", {}).get("Policy"), target["Arn"], rule["Arn"])
        if not is_open:
            self._warn(
                f"the policy of queue {target['Arn']} does not let {_SERVICE} send for rule {rule['Arn']}: its events "
                "are dropped, as on AWS"
            )
        return Target(parts[3], url, target.get("SqsParameters", {}).get("MessageGroupId"), is_open)

    async def _sqs(self, region: str, operation: str, **request: Any) -> Document:
        return await self._wire.call("sqs", region, f"AmazonSQS.{operation}", request)

    def _warn(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            _LOG.warning("%s", message)


def admits(policy: str | None, queue_arn: str, rule_arn: str) -> bool:
    """Whether a queue's policy lets EventBridge send for a rule."""
    try:
        document = json.loads(policy or "{}")
    except ValueError:
        return False
    facts = {
        "aws:sourcearn": rule_arn,
        "aws:sourceaccount": ACCOUNT,
        "aws:principalservicename": _SERVICE,
        "aws:principalisawsservice": "true",
        "aws:securetransport": "true",
    }
    named = [statement for statement in statements_of(document) if _names_events(statement.get("Principal"))]
    return evaluate(Request("sqs:SendMessage", queue_arn, facts), [{"Statement": named}]).is_allowed


def _names_events(principal: Any) -> bool:
    if isinstance(principal, dict):
        return bool({_SERVICE, "*"} & {*listed(principal.get("Service", [])), *listed(principal.get("AWS", []))})
    return bool(principal == "*")
