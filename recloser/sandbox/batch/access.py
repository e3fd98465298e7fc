"""The door of the Batch endpoint: who calls, and may they? Root passes unasked, as it does everywhere here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request

    from recloser.sandbox.batch.authentication import Authentication, Signature
    from recloser.sandbox.batch.authorisation import Authorisation
    from recloser.sandbox.batch.context import Context
    from recloser.sandbox.batch.model import Document


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls."""

    is_root: bool
    arn: str | None
    """None for root, and for a session of unknown origin that may do the action on every resource."""


@dataclass(frozen=True, slots=True)
class Access:
    """Authentication and authorisation, in this order."""

    authentication: Authentication
    authorisation: Authorisation

    async def authenticate(self, request: Request, signature: Signature) -> Caller:
        """Find out who signed.

        Raises:
            BatchError: The signature is not good.
        """
        if signature.is_root:
            return Caller(is_root=True, arn=None)
        return Caller(is_root=False, arn=await self.authentication.caller(request, signature))

    async def authorise(self, caller: Caller, operation: str, context: Context, document: Document) -> None:
        """Let the call through.

        Raises:
            BatchError: 403, the caller may not.
        """
        if not caller.is_root:
            await self.authorisation.check(caller.arn, operation, context, document)
