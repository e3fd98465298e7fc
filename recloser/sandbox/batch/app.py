"""The endpoint: requests in, AWS-shaped answers and errors out."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING, Any

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route, Router

from recloser.sandbox.batch import definitions, jobs, listing, resources, submission, tags
from recloser.sandbox.batch.authentication import signature_of
from recloser.sandbox.batch.context import Context
from recloser.sandbox.batch.model import BatchError, Document, NotServedError
from recloser.sandbox.batch.served import check_served
from recloser.sandbox.batch.validation import Operations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

    from recloser.sandbox.batch.access import Access
    from recloser.sandbox.batch.credentials import Credentials
    from recloser.sandbox.batch.distortions import Distortions
    from recloser.sandbox.batch.scheduler import Scheduler
    from recloser.sandbox.batch.store import Store

OPERATIONS: dict[str, Callable[[Context, Document], Document]] = {
    "CreateComputeEnvironment": resources.create_compute_environment,
    "DescribeComputeEnvironments": resources.describe_compute_environments,
    "UpdateComputeEnvironment": resources.update_compute_environment,
    "DeleteComputeEnvironment": resources.delete_compute_environment,
    "CreateJobQueue": resources.create_job_queue,
    "DescribeJobQueues": resources.describe_job_queues,
    "GetJobQueueSnapshot": resources.get_job_queue_snapshot,
    "UpdateJobQueue": resources.update_job_queue,
    "DeleteJobQueue": resources.delete_job_queue,
    "RegisterJobDefinition": definitions.register_job_definition,
    "DescribeJobDefinitions": definitions.describe_job_definitions,
    "DeregisterJobDefinition": definitions.deregister_job_definition,
    "SubmitJob": submission.submit_job,
    "DescribeJobs": jobs.describe_jobs,
    "ListJobs": listing.list_jobs,
    "TerminateJob": jobs.terminate_job,
    "CancelJob": jobs.cancel_job,
    "TerminateJobs": jobs.terminate_jobs,
    "CancelJobs": jobs.cancel_jobs,
    "TagResource": tags.tag_resource,
    "ListTagsForResource": tags.list_tags_for_resource,
    "UntagResource": tags.untag_resource,
}
_HOSTS = {b"127.0.0.1", b"localhost"}
_LOG = logging.getLogger(__name__)
_TAG_OPERATIONS = {"GET": "ListTagsForResource", "POST": "TagResource", "DELETE": "UntagResource"}


class Api:
    """The routes of AWS Batch and of a container's credentials."""

    def __init__(
        self, store: Store, scheduler: Scheduler, credentials: Credentials, access: Access, distortions: Distortions
    ) -> None:
        self._store = store
        self._scheduler = scheduler
        self._credentials = credentials
        self._access = access
        self._distortions = distortions
        self._operations = Operations()

    def routes(self) -> list[Route]:
        """What is served at which path."""
        return [
            Route("/v1/tags/{arn:path}", self.tags, methods=["GET", "POST", "DELETE"]),
            Route("/v1/credentials/{task}", self.credentials, methods=["GET"]),
            Route("/v1/{operation}", self.operation, methods=["POST"]),
        ]

    async def operation(self, request: Request) -> Response:
        """`POST /v1/<operation>`."""
        name = self._operations.at(request.url.path)
        if name is None:
            raise NotServedError(f"operation {request.path_params['operation']}")
        return await self._answer(name, request, {})

    async def tags(self, request: Request) -> Response:
        """`GET|POST|DELETE /v1/tags/{arn}`."""
        document: Document = {"resourceArn": request.path_params["arn"]}
        if request.method == "DELETE":
            document["tagKeys"] = request.query_params.getlist("tagKeys")
        return await self._answer(_TAG_OPERATIONS[request.method], request, document)

    async def _answer(self, name: str, request: Request, document: Document) -> Response:
        signature = signature_of(request)
        context = Context(signature.region, self._store, self._scheduler)
        await self._distortions.before()
        caller = await self._access.authenticate(request, signature)
        document = {**await _body(request), **document}
        await self._access.authorise(caller, name, context, document)
        check_served(name, document)
        self._operations.check(name, document)
        answer = self._distortions.after(name, OPERATIONS[name](context, document))
        await self._store.settled()
        return _reply(answer)

    async def credentials(self, request: Request) -> Response:
        """What the SDK inside a job asks for its role."""
        token = request.headers.get("authorization", "")
        return _reply(await asyncio.to_thread(self._credentials.answer, request.path_params["task"], token))


async def _body(request: Request) -> Document:
    try:
        document = orjson.loads(await request.body() or b"{}")
    except ValueError as error:
        raise BatchError(f"the request body is not JSON: {error}", code="SerializationException") from error
    if not isinstance(document, dict):
        raise BatchError("the request body is not a JSON object", code="SerializationException")
    return document


def _reply(document: Document, status: int = 200, headers: Document | None = None) -> Response:
    own = {"x-amzn-RequestId": str(uuid.uuid4()), **(headers or {})}
    return Response(orjson.dumps(document), status, own, "application/json")


def _refusal(error: Exception) -> Response:
    if isinstance(error, BatchError):
        return _reply({"message": str(error)}, error.status, {"x-amzn-errortype": error.code})
    if isinstance(error, HTTPException):
        return _reply({"message": error.detail}, error.status_code)
    _LOG.error("a call failed", exc_info=error)
    return _reply({"message": f"Internal error: {error}"}, 500, {"x-amzn-errortype": "ServerException"})


class Door:
    """Lets programs of this machine in, and says what goes wrong behind it in AWS's form.

    A web page shows itself by its Origin, a name that was made to point here by its Host.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if b"origin" in headers:
            await _reply({"message": "requests of web pages are refused"}, 403)(scope, receive, send)
        elif headers.get(b"host", b"").rsplit(b":", 1)[0] not in _HOSTS:
            await _reply({"message": "Invalid host: this is 127.0.0.1"}, 400)(scope, receive, send)
        else:
            try:
                await self._app(scope, receive, send)
            except Exception as error:  # noqa: BLE001 - an answer is due, whatever happened
                await _refusal(error)(scope, receive, send)


def application(routes: Sequence[Route], lifespan: Lifespan[Any]) -> ASGIApp:
    """Assemble the ASGI application."""
    return Door(Router(routes, lifespan=lifespan))
