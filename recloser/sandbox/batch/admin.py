"""The sandbox's own routes beside Batch's: health, status, images, faults; opened by the token in the state folder."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.routing import Route

from recloser.sandbox import images
from recloser.sandbox.batch.faults import Change
from recloser.sandbox.batch.model import BatchError, Document
from recloser.sandbox.errors import SandboxError

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

    from recloser.sandbox.batch.events import Events
    from recloser.sandbox.batch.faults import Switches
    from recloser.sandbox.batch.store import Store
    from recloser.sandbox.clients import Clients

TOKEN_HEADER = "X-Recloser-Token"  # noqa: S105 - the header's name
BASE = "/_recloser"


class Admin:
    """What `recloser sandbox` asks the daemon."""

    def __init__(
        self,
        *,
        token: str,
        store: Store,
        clients: Clients,
        images_folder: Path,
        faults: Switches,
        events: Events,
        guard: str,
    ) -> None:
        self._token = token
        self._store = store
        self._clients = clients
        self._images_folder = images_folder
        self._faults = faults
        self._events = events
        self._guard = guard

    def routes(self) -> list[Route]:
        """What is served at which path."""
        return [
            Route(f"{BASE}/status", self.status, methods=["GET"]),
            Route(f"{BASE}/images", self.build, methods=["POST"]),
            Route(f"{BASE}/faults", self.faults, methods=["GET", "POST"]),
        ]

    async def status(self, request: Request) -> JSONResponse:
        """Jobs by state, faults in force, how memory is limited."""
        self._check(request)
        answer: Document = {
            "jobs": self._store.count_by_status(),
            "faults": self._faults.now.in_force(),
            "events": self._events.status(),
            "memory_guard": self._guard,
        }
        return JSONResponse(answer)

    async def build(self, request: Request) -> JSONResponse:
        """Make an image and push it."""
        self._check(request)
        wanted = images.BuildRequest.model_validate_json(await request.body())
        try:
            built = await asyncio.to_thread(images.build, wanted, self._images_folder)
        except SandboxError as error:
            raise BatchError(str(error), code="SandboxError") from error
        await asyncio.to_thread(images.push, built, self._clients)
        self._store.put_image(built.region, built.repository, built.tag, built.model_dump())
        return JSONResponse(built.model_dump())

    async def faults(self, request: Request) -> JSONResponse:
        """Show the faults, or set them."""
        self._check(request)
        if request.method == "POST":
            wanted = Change.model_validate_json(await request.body())
            try:
                self._faults.set(wanted.faults, clear=wanted.clear)
            except SandboxError as error:
                raise BatchError(str(error), code="SandboxError") from error
        return JSONResponse(self._faults.now.in_force())

    def _check(self, request: Request) -> None:
        shown = request.headers.get(TOKEN_HEADER, "")
        if not secrets.compare_digest(shown.encode(), self._token.encode()):
            raise BatchError("this route needs the sandbox's token", code="AccessDeniedException", status=403)
