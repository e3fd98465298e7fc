"""The way in: one checked connection to one AWS account and region, local or real."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from recloser.aws.batch import BatchGateway
from recloser.aws.builds import BuildsGateway
from recloser.aws.capacity import CapacityGateway
from recloser.aws.endpoints import check_endpoints
from recloser.aws.errors import Misconfigured
from recloser.aws.events import EventsGateway
from recloser.aws.fleet import FleetGateway
from recloser.aws.iam import IamGateway
from recloser.aws.images import ImagesGateway
from recloser.aws.insights import InsightsGateway
from recloser.aws.job_table import JobTableGateway
from recloser.aws.limiter import Limiter, limiter_of
from recloser.aws.log_groups import LogGroupsGateway
from recloser.aws.logs import LogsGateway
from recloser.aws.objects import ObjectsGateway
from recloser.aws.translation import sensible, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_batch import BatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

    from recloser.settings import Settings

ATTEMPTS = 10
_IDENTITY_ATTEMPTS = 2
"""The first call finds out whether there is anybody; nobody should wait a minute to learn that there is not."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are, where, and the gateways to what is there."""

    identity_arn: str
    account_id: str
    region: str
    batch: BatchGateway
    fleet: FleetGateway
    logs: LogsGateway
    insights: InsightsGateway
    log_groups: LogGroupsGateway
    job_table: JobTableGateway
    iam: IamGateway
    objects: ObjectsGateway
    images: ImagesGateway
    events: EventsGateway
    capacity: CapacityGateway
    builds: BuildsGateway
    elsewhere: Callable[[str], Account]
    """The same account in another region."""


@dataclass(frozen=True, slots=True)
class _Clients:
    sts: STSClient
    submit: BatchClient
    batch: BatchClient
    logs: CloudWatchLogsClient
    dynamodb: DynamoDBClient
    iam: IAMClient
    s3: S3Client
    ecr: ECRClient
    sqs: SQSClient

    def endpoints(self) -> dict[str, str]:
        """What each service's client would call."""
        return {name: getattr(self, name).meta.endpoint_url for name in self.__slots__ if name != "submit"}


@dataclass(frozen=True, slots=True)
class _Login:
    """Who has been let in: the same in every region."""

    session: boto3.session.Session
    settings: Settings
    account_id: str
    identity_arn: str


def connect(settings: Settings) -> Account:
    """Connect to the AWS that the environment and `~/.aws` name, and make sure that it knows us.

    Args:
        settings: Time limits and the ceiling of Batch calls.

    Raises:
        Misconfigured: No region, or local and real AWS are mixed; nothing was called.
        CredentialsError: None, or AWS does not accept them.
        Unreachable: The endpoint does not answer.
    """
    with translated("sts", "GetCallerIdentity"):
        session = boto3.session.Session()
    region = _region_of(session)
    clients = _clients_of(session, region, settings)
    check_endpoints(clients.endpoints(), os.environ)
    account_id, identity_arn = _identity_of(clients.sts)
    return _account(_Login(session, settings, account_id, identity_arn), clients)


def _account(login: _Login, clients: _Clients) -> Account:
    """The gateways of one region."""
    region = clients.batch.meta.region_name
    limiter = limiter_of(login.account_id, region, login.settings.calls_per_s)
    _limit(clients.batch, limiter)
    _limit(clients.submit, limiter)
    return Account(
        identity_arn=login.identity_arn,
        account_id=login.account_id,
        region=region,
        batch=BatchGateway(clients.batch, clients.submit, region=region),
        fleet=FleetGateway(clients.batch),
        logs=LogsGateway(clients.logs),
        insights=InsightsGateway(clients.logs),
        log_groups=LogGroupsGateway(clients.logs),
        job_table=JobTableGateway(clients.dynamodb),
        iam=IamGateway(clients.iam),
        objects=ObjectsGateway(clients.s3),
        images=ImagesGateway(clients.ecr),
        events=EventsGateway(clients.sqs),
        capacity=CapacityGateway(clients.batch, lambda name: _further(name, login, clients.batch)),
        builds=BuildsGateway(lambda: _further("codebuild", login, clients.batch)),
        elsewhere=cache(lambda other: _elsewhere(login, other)),
    )


def _elsewhere(login: _Login, region: str) -> Account:
    clients = _clients_of(login.session, region, login.settings)
    check_endpoints(clients.endpoints(), os.environ)
    return _account(login, clients)


def _region_of(session: boto3.session.Session) -> str:
    if session.region_name:
        return session.region_name
    near = "; AWS_REGION is set, but boto3 does not read it" if os.environ.get("AWS_REGION") else ""
    raise Misconfigured(
        f"no AWS region: set AWS_DEFAULT_REGION, or `region` in the profile{near}",
        service="sts",
        operation="GetCallerIdentity",
    )


def _clients_of(session: boto3.session.Session, region: str, settings: Settings) -> _Clients:
    hasty, once, patient = (_config(settings, attempts=attempts) for attempts in (_IDENTITY_ATTEMPTS, 1, ATTEMPTS))
    with _valid_urls(), translated("sts", "GetCallerIdentity"):
        return _Clients(
            sts=session.client("sts", region_name=region, config=hasty),
            submit=session.client("batch", region_name=region, config=once),
            batch=session.client("batch", region_name=region, config=patient),
            logs=session.client("logs", region_name=region, config=patient),
            dynamodb=session.client("dynamodb", region_name=region, config=patient),
            iam=session.client("iam", region_name=region, config=patient),
            s3=session.client("s3", region_name=region, config=patient),
            ecr=session.client("ecr", region_name=region, config=patient),
            sqs=session.client("sqs", region_name=region, config=patient),
        )


def _further(service: str, login: _Login, batch: BatchClient) -> Any:
    """The client of a service that few healings need: the model of EC2 alone takes a third of a second to load."""
    make: Any = login.session.client
    config = _config(login.settings, attempts=_IDENTITY_ATTEMPTS)
    client = make(service, region_name=batch.meta.region_name, config=config)
    check_endpoints({"batch": batch.meta.endpoint_url, service: client.meta.endpoint_url}, os.environ)
    return client


def _config(settings: Settings, *, attempts: int) -> Config:
    return Config(
        connect_timeout=settings.connect_timeout_s,
        read_timeout=settings.call_timeout_s,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=16,
        user_agent_extra="recloser",
    )


def _identity_of(sts: STSClient) -> tuple[str, str]:
    """Account id and ARN of whoever the credentials belong to."""
    with translated("sts", "GetCallerIdentity"):
        answer = sts.get_caller_identity()
    with sensible("sts", "GetCallerIdentity"):
        return answer["Account"], answer["Arn"]


def _limit(client: BatchClient, limiter: Limiter) -> None:
    """Let every request of a client wait its turn; botocore emits the event for retries as well."""

    def wait(**_: object) -> None:
        limiter.acquire()

    client.meta.events.register("before-send.batch", wait)


@contextmanager
def _valid_urls() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise Misconfigured(
            f"{error}: look at AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_BATCH",
            service="sts",
            operation="GetCallerIdentity",
        ) from error
