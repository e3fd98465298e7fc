"""The job role and its inline policies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

from recloser.aws.errors import NotFound
from recloser.aws.translation import sensible, translated

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


class IamGateway:
    """Calls about one role at a time."""

    def __init__(self, client: IAMClient) -> None:
        self._client = client

    @translated("iam", "GetRole")
    def role_arn(self, role: str) -> str:
        """The ARN of a role.

        Raises:
            NotFound: There is no such role.
        """
        return self._client.get_role(RoleName=role)["Role"]["Arn"]

    def trust_policy(self, role: str) -> str:
        """Who may assume a role, as canonical JSON text (`canonical`).

        Raises:
            NotFound: There is no such role.
        """
        with translated("iam", "GetRole"):
            document: object = self._client.get_role(RoleName=role)["Role"].get("AssumeRolePolicyDocument", {})
        with sensible("iam", "GetRole"):
            return canonical(document if isinstance(document, str) else json.dumps(document))

    @translated("iam", "UpdateAssumeRolePolicy")
    def put_trust_policy(self, role: str, document: str) -> None:
        """Replace the policy that says who may assume a role.

        Args:
            role: Name of the role.
            document: Its JSON text.
        """
        self._client.update_assume_role_policy(RoleName=role, PolicyDocument=document)

    def allows(self, role_arn: str, action: str, resource: str) -> bool:
        """Whether a role's policies allow one action on one resource; what the resource itself says is not seen.

        Args:
            role_arn: ARN of the role.
            action: Such as `s3:GetObject`.
            resource: One ARN, or `*`.
        """
        with translated("iam", "SimulatePrincipalPolicy"):
            answer = self._client.simulate_principal_policy(
                PolicySourceArn=role_arn, ActionNames=[action], ResourceArns=[resource]
            )
        with sensible("iam", "SimulatePrincipalPolicy"):
            return answer["EvaluationResults"][0]["EvalDecision"] == "allowed"

    def inline_policy(self, role: str, policy: str) -> str | None:
        """An inline policy as canonical JSON text (`canonical`), or None if the role has none of this name."""
        try:
            with translated("iam", "GetRolePolicy"):
                answer = self._client.get_role_policy(RoleName=role, PolicyName=policy)
        except NotFound:
            self.role_arn(role)  # a missing role is an error, a missing policy is an answer
            return None
        document: object = answer["PolicyDocument"]
        with sensible("iam", "GetRolePolicy"):
            return canonical(document if isinstance(document, str) else json.dumps(document))

    @translated("iam", "PutRolePolicy")
    def put_inline_policy(self, role: str, policy: str, document: str) -> None:
        """Create or replace an inline policy.

        Args:
            role: Name of the role.
            policy: Name of the policy.
            document: Its JSON text.
        """
        self._client.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=document)

    def delete_inline_policy(self, role: str, policy: str) -> None:
        """Remove an inline policy; one that is gone already is no error."""
        try:
            with translated("iam", "DeleteRolePolicy"):
                self._client.delete_role_policy(RoleName=role, PolicyName=policy)
        except NotFound:
            self.role_arn(role)


def canonical(document: str) -> str:
    """A policy's JSON text in the one form two equal policies share: sorted keys, two spaces of indent.

    Args:
        document: JSON text, URL-encoded or not.

    Raises:
        ValueError: It is not JSON.
    """
    text = document if document.lstrip().startswith("{") else unquote(document)
    return json.dumps(json.loads(text), indent=2, sort_keys=True)
