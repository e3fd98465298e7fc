"""The Batch endpoint put together: what it is made of, how it begins and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import TYPE_CHECKING, Any

import uvicorn

from recloser.sandbox import images
from recloser.sandbox.batch.access import Access
from recloser.sandbox.batch.admin import Admin
from recloser.sandbox.batch.app import Api, application
from recloser.sandbox.batch.authentication import Authentication
from recloser.sandbox.batch.authorisation import Authorisation
from recloser.sandbox.batch.credentials import Credentials
from recloser.sandbox.batch.distortions import Distortions
from recloser.sandbox.batch.events import Events
from recloser.sandbox.batch.faults import Switches
from recloser.sandbox.batch.logs import LogService
from recloser.sandbox.batch.memory import choose
from recloser.sandbox.batch.principals import Principals
from recloser.sandbox.batch.pulls import Pulls
from recloser.sandbox.batch.retention import forgetting
from recloser.sandbox.batch.rules import Rules
from recloser.sandbox.batch.runner import Runner, Surroundings, task_of
from recloser.sandbox.batch.scheduler import Scheduler
from recloser.sandbox.batch.store import Store
from recloser.sandbox.batch.sts import Sts
from recloser.sandbox.bootstrap import bootstrap
from recloser.sandbox.clients import Clients
from recloser.sandbox.connections import Connections
from recloser.sandbox.http import Protocol
from recloser.sandbox.leftovers import end_jobs
from recloser.sandbox.wire import Wire

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Iterable

    from recloser.sandbox.batch.model import Document
    from recloser.sandbox.keeper import Keeper
    from recloser.sandbox.state import Record, StateDir

# `down` is the loss of the host: jobs get a moment, not AWS's 30 seconds.
_DOWN_GRACE_S = 0.5


class Endpoint:
    """One sandbox's Batch."""

    def __init__(
        self,
        state: StateDir,
        record: Record,
        keeper: Keeper,
        *,
        stop_grace_s: float,
        memory_guard: str,
        retention_s: float,
    ) -> None:
        self._state = state
        self._keeper = keeper
        self._record = record
        self._retention_s = retention_s
        self._clients = Clients(record.ministack_url)
        self._connections = Connections(record.ministack_url)
        wire = Wire(self._connections)
        self._logs = LogService(wire)
        self._store = Store(state.database)
        self._guard = choose(state.root, memory_guard)
        faults, self._credentials = Switches(state.faults), Credentials(self._clients)
        principals = Principals(self._clients)
        surroundings = Surroundings(
            store=self._store,
            logs=self._logs,
            ready=keeper.serves,
            images=images.Images(self._clients, state.images),
            credentials=self._credentials,
            pulls=Pulls(principals),
            guard=self._guard,
            faults=faults,
            ministack_url=record.ministack_url,
            batch_url=record.batch_url,
            attempts=state.attempts,
            stop_grace_s=stop_grace_s,
        )
        self._runner = Runner(surroundings)
        self._scheduler = Scheduler(
            self._store,
            self._runner,
            scaled=faults.scaled,
            most_submitted=lambda: faults.now.most_submitted,
            short_of=lambda: faults.now.no_capacity_in,
        )
        self._events = Events(self._store, wire, Rules(wire), faults)
        self._scheduler.on_block(self._events.tell_blocked)
        admin = Admin(
            token=state.make_token(),
            store=self._store,
            clients=self._clients,
            images_folder=state.images,
            faults=faults,
            events=self._events,
            guard=self._guard.name,
        )
        authentication = Authentication(self._connections, self._clients, self._credentials)
        access = Access(authentication, Authorisation(principals))
        sts = Sts(self._connections, authentication.learn)
        api = Api(self._store, self._scheduler, self._credentials, access, Distortions(faults))
        self._app = application([*admin.routes(), *api.routes(), *sts.routes()], self._lifespan)

    def serve(self, listener: socket.socket) -> None:
        """Serve until SIGTERM.

        Raises:
            StaleStateError: The operator's key cannot be read.
        """
        bootstrap(self._clients, self._state)
        config = uvicorn.Config(
            self._app,
            http=Protocol,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            lifespan="on",
            timeout_graceful_shutdown=2,
        )
        asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Any) -> AsyncIterator[None]:
        if self._state.unclean.exists():
            self._push(self._store.images())
        self._state.unclean.touch()
        self._state.write(self._state.record, self._record)
        if any(self._state.attempts.iterdir()):
            end_jobs(self._state, {task_of(job) for job in self._store.unfinished() if job.status == "RUNNING"})
        async with self._events.serving():
            self._scheduler.resume()
            watching = asyncio.create_task(self._keeper.watch(self._lost, self._restore))
            gc.freeze()  # what is there now stays: looking through it again and again costs more than jobs do
            async with forgetting(self._store, self._retention_s):
                yield
            await self._scheduler.close(_DOWN_GRACE_S)
            await self._runner.close()
        watching.cancel()
        await self._connections.close()
        self._guard.close()
        self._store.close()
        self._clients.close()

    def _push(self, documents: Iterable[Document]) -> None:
        for document in documents:
            images.push(images.BuiltImage.model_validate(document), self._clients)

    def _lost(self) -> None:
        """MiniStack is gone, with its sessions and with what it had not saved."""
        self._logs.restarted()
        self._credentials.forget_sessions()

    async def _restore(self) -> None:
        """MiniStack is back."""
        record = self._record.model_copy(update={"ministack": self._keeper.ministack.identity})
        await asyncio.to_thread(bootstrap, self._clients, self._state)
        await asyncio.to_thread(self._push, self._store.images())
        self._state.write(self._state.record, record)
