"""The AWS we talk to: narrow typed gateways over boto3.

Values and our own errors cross this door; no client, response or exception of boto3 does.
"""

from recloser.aws.account import Account, connect
from recloser.aws.batch import BatchGateway
from recloser.aws.errors import (
    AccessRefused,
    AwsError,
    CredentialsError,
    MalformedAnswer,
    Misconfigured,
    NotFound,
    Rejected,
    ServiceFailed,
    Throttled,
    Unreachable,
)
from recloser.aws.events import EventsGateway, JobEvent
from recloser.aws.fleet import FleetGateway
from recloser.aws.iam import IamGateway, canonical
from recloser.aws.images import ImageReference, ImagesGateway, parse_image
from recloser.aws.job_table import JobTableGateway
from recloser.aws.logs import GROUP as LOG_GROUP
from recloser.aws.logs import LogsGateway
from recloser.aws.objects import ObjectInfo, ObjectsGateway, split_uri
from recloser.aws.regions import is_region

__all__ = [
    "LOG_GROUP",
    "AccessRefused",
    "Account",
    "AwsError",
    "BatchGateway",
    "CredentialsError",
    "EventsGateway",
    "FleetGateway",
    "IamGateway",
    "ImageReference",
    "ImagesGateway",
    "JobEvent",
    "JobTableGateway",
    "LogsGateway",
    "MalformedAnswer",
    "Misconfigured",
    "NotFound",
    "ObjectInfo",
    "ObjectsGateway",
    "Rejected",
    "ServiceFailed",
    "Throttled",
    "Unreachable",
    "canonical",
    "connect",
    "is_region",
    "parse_image",
    "split_uri",
]
