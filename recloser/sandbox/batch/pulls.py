"""Whether a definition's execution role may pull its image: judged on its policies, told in the agent's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recloser.sandbox.batch.endings import StartError
from recloser.sandbox.batch.policies import Request, judge
from recloser.sandbox.images import repository_of
from recloser.sandbox.ministack import ACCOUNT

if TYPE_CHECKING:
    from recloser.sandbox.batch.model import Job
    from recloser.sandbox.batch.principals import Principals

_PULL: Final = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


class Pulls:
    """Judges execution roles; a definition without one pulls as its host, which is not judged here."""

    def __init__(self, principals: Principals) -> None:
        self._principals = principals

    async def check(self, job: Job, task_id: str) -> None:
        """Let the attempt's pull go on.

        Raises:
            StartError: The execution role may not pull, with the action and the resource that were refused.
        """
        role_arn, named = job.container.get("executionRoleArn"), repository_of(job.container["image"])
        if not role_arn or named is None:
            return
        who = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role_arn.rsplit('/', 1)[-1]}/{task_id}"
        repository = f"arn:aws:ecr:{job.region}:{ACCOUNT}:repository/{named}"
        wanted = [("ecr:GetAuthorizationToken", "*"), *((action, repository) for action in _PULL)]
        # Asked anew: a right that was just given must count, and pulls are rare.
        principal = await self._principals.fetch(who)
        for action, resource in wanted:
            if not judge(Request(action, resource, principal.facts), principal.identity, principal.boundary).is_allowed:
                raise StartError(_words(who, action, resource))


def _words(who: str, action: str, resource: str) -> str:
    refused = f"User: {who} is not authorized to perform: {action} on resource: {resource}"
    if resource == "*":
        return (
            "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve ecr registry "
            f"auth: AccessDeniedException: {refused}"
        )
    return f"CannotPullContainerError: {refused} because no identity-based policy allows the {action} action"
