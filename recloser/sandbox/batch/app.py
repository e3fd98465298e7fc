"""The endpoint: requests in, AWS-shaped answers and errors out."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route

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

    async def operation(self, request: Request) -> JSONResponse:
        """`POST /v1/<operation>`."""
        name = self._operations.at(request.url.path)
        if name is None:
            raise NotServedError(f"operation {request.path_params['operation']}")
        return await self._answer(name, request, {})

    async def tags(self, request: Request) -> JSONResponse:
        """`GET|POST|DELETE /v1/tags/{arn}`."""
        document: Document = {"resourceArn": request.path_params["arn"]}
        if request.method == "DELETE":
            document["tagKeys"] = request.query_params.getlist("tagKeys")
        return await self._answer(_TAG_OPERATIONS[request.method], request, document)

    async def _answer(self, name: str, request: Request, document: Document) -> JSONResponse:
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

    async def credentials(self, request: Request) -> JSONResponse:
        """What the SDK inside a job asks for its role."""
        token = request.headers.get("authorization", "")
        return _reply(await asyncio.to_thread(self._credentials.answer, request.path_params["task"], token))


async def _body(request: Request) -> Document:
    try:
        document = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise BatchError(f"the request body is not JSON: {error}", code="SerializationException") from error
    if not isinstance(document, dict):
        raise BatchError("the request body is not a JSON object", code="SerializationException")
    return document


def _reply(document: Document, status: int = 200, headers: Document | None = None) -> JSONResponse:
    return JSONResponse(document, status, {"x-amzn-RequestId": str(uuid.uuid4()), **(headers or {})})


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, BatchError):
        return _reply({"message": str(error)}, error.status, {"x-amzn-errortype": error.code})
    return _reply({"message": f"Internal error: {error}"}, 500, {"x-amzn-errortype": "ServerException"})


class NoOrigin:
    """Refuses what a web page sends: the endpoint is for programs on this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what has no Origin header."""
        if scope["type"] == "http" and any(name == b"origin" for name, _ in scope["headers"]):
            await _reply({"message": "requests of web pages are refused"}, 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def application(routes: Sequence[Route], lifespan: Lifespan[Any]) -> Starlette:
    """Assemble the ASGI application."""
    return Starlette(
        routes=routes,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]), Middleware(NoOrigin)],
        exception_handlers={BatchError: _refuse, Exception: _refuse},
        lifespan=lifespan,
    )
