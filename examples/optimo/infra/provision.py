"""Set up what the job needs on the account the environment points to, and restore it to health when it is there.

Run with an administrator's credentials; boto3 only. Running it again changes nothing that is as it should be: it
rewrites the inputs and the role's policy, removes what faults and their repairs have left (inline policies and bucket
policy statements whose names begin with `recloser`), and registers a new job definition revision only if the latest
one differs. It builds no image.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
POLICY = HERE / "job-role-policy.json"

BUCKET, ARCHIVE = "optimo-data", "optimo-archive"
TABLE, ROLE, QUEUE, DEFINITION, REPOSITORY = "optimo-jobs", "optimo-job", "optimo", "optimo", "optimo"
COMPUTE_ENVIRONMENT, LOG_GROUP = "optimo", "/aws/batch/job"
ENVIRONMENT = {
    "OPTIMO_INPUT_DIR": f"s3://{BUCKET}/inputs/case14/",
    "OPTIMO_OUTPUT_DIR": f"s3://{BUCKET}/outputs/case14/",
    "OPTIMO_JOB_TABLE": TABLE,
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
READY_S = 300


def said(what):
    print(what, flush=True)


def created(what, create, *already):
    """Create something, or find it there: `already` holds the error codes that say so."""
    try:
        create()
    except ClientError as error:
        if error.response["Error"]["Code"] not in already:
            raise
        said(f"{what}: there already")
    else:
        said(f"{what}: created")


def bucket(session, name, cases):
    """A bucket with the known-good inputs of some cases."""
    s3 = session.client("s3")
    if name in [one["Name"] for one in s3.list_buckets()["Buckets"]]:  # us-east-1 does not refuse a second creation
        said(f"bucket {name}: there already")
    else:
        place = {"CreateBucketConfiguration": {"LocationConstraint": session.region_name}}
        s3.create_bucket(Bucket=name, **({} if session.region_name == "us-east-1" else place))
        said(f"bucket {name}: created")
    for case in cases:
        for path in sorted((DATA / case).glob("*.csv")):
            s3.put_object(Bucket=name, Key=f"inputs/{case}/{path.name}", Body=path.read_bytes())
        said(f"s3://{name}/inputs/{case}/: uploaded")
    heal_bucket_policy(s3, name)


def heal_bucket_policy(s3, name):
    """Take statements of declared faults out of the bucket's policy; leave the owner's own."""
    try:
        policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        return
    own = [one for one in policy["Statement"] if not one.get("Sid", "").lower().startswith("recloser")]
    if own == policy["Statement"]:
        return
    if own:
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy | {"Statement": own}))
    else:
        s3.delete_bucket_policy(Bucket=name)
    said(f"bucket {name}: policy statements of faults removed")


def table(session):
    dynamodb = session.client("dynamodb")

    def create():
        dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "job_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "job_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    created(f"table {TABLE}", create, "ResourceInUseException")
    dynamodb.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1, "MaxAttempts": READY_S})


def role(session):
    """The role the container runs as, with exactly the written policy."""
    iam = session.client("iam")
    trust = json.dumps(TRUST)
    created(
        f"role {ROLE}", lambda: iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust), "EntityAlreadyExists"
    )
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=trust)
    iam.put_role_policy(RoleName=ROLE, PolicyName=ROLE, PolicyDocument=POLICY.read_text())
    said(f"role {ROLE}: policy of {POLICY.name} in force")
    for name in iam.list_role_policies(RoleName=ROLE)["PolicyNames"]:
        if name.startswith("recloser-"):
            iam.delete_role_policy(RoleName=ROLE, PolicyName=name)
            said(f"role {ROLE}: additional policy {name} removed")
    return iam.get_role(RoleName=ROLE)["Role"]["Arn"]


def log_group(session):
    logs = session.client("logs")
    create = lambda: logs.create_log_group(logGroupName=LOG_GROUP)  # noqa: E731 - one call, named for the next line
    created(f"log group {LOG_GROUP}", create, "ResourceAlreadyExistsException")


def repository(session):
    ecr = session.client("ecr")
    create = lambda: ecr.create_repository(repositoryName=REPOSITORY)  # noqa: E731 - as above
    created(f"repository {REPOSITORY}", create, "RepositoryAlreadyExistsException")


def compute_environment(batch, options):
    described = batch.describe_compute_environments(computeEnvironments=[COMPUTE_ENVIRONMENT])["computeEnvironments"]
    if described:
        said(f"compute environment {COMPUTE_ENVIRONMENT}: there already")
        return
    service_role = {"serviceRole": options.service_role} if options.service_role else {}
    batch.create_compute_environment(
        computeEnvironmentName=COMPUTE_ENVIRONMENT,
        type="MANAGED",
        state="ENABLED",
        computeResources={
            "type": "EC2",
            "allocationStrategy": "BEST_FIT_PROGRESSIVE",
            "minvCpus": 0,
            "maxvCpus": options.max_vcpus,
            "instanceTypes": ["optimal"],
            "subnets": options.subnets,
            "securityGroupIds": options.security_groups,
            "instanceRole": options.instance_role,
        },
        **service_role,
    )
    _await_valid(
        f"compute environment {COMPUTE_ENVIRONMENT}",
        lambda: batch.describe_compute_environments(computeEnvironments=[COMPUTE_ENVIRONMENT])["computeEnvironments"],
    )
    said(f"compute environment {COMPUTE_ENVIRONMENT}: created")


def queue(batch):
    if batch.describe_job_queues(jobQueues=[QUEUE])["jobQueues"]:
        said(f"queue {QUEUE}: there already")
        return
    batch.create_job_queue(
        jobQueueName=QUEUE,
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": COMPUTE_ENVIRONMENT}],
    )
    _await_valid(f"queue {QUEUE}", lambda: batch.describe_job_queues(jobQueues=[QUEUE])["jobQueues"])
    said(f"queue {QUEUE}: created")


def _await_valid(what, describe):
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        found = describe()
        if found and found[0]["status"] == "VALID":
            return
        if found and found[0]["status"] == "INVALID":
            raise SystemExit(f"provision: {what} is INVALID: {found[0].get('statusReason', 'no reason given')}")
        time.sleep(0.2)
    raise SystemExit(f"provision: {what} was not VALID within {READY_S} s")


def job_definition(batch, container):
    """The healthy job definition as the latest active revision."""
    pages = batch.get_paginator("describe_job_definitions").paginate(jobDefinitionName=DEFINITION, status="ACTIVE")
    latest = max((one for page in pages for one in page["jobDefinitions"]), key=lambda one: one["revision"], default={})
    if _comparable(latest.get("containerProperties", {})) == _comparable(container):
        said(f"job definition {DEFINITION}:{latest['revision']}: healthy already")
        return
    answer = batch.register_job_definition(
        jobDefinitionName=DEFINITION, type="container", containerProperties=container
    )
    said(f"job definition {DEFINITION}:{answer['revision']}: registered")


def _comparable(container):
    return {
        "image": container.get("image"),
        "command": container.get("command"),
        "jobRoleArn": container.get("jobRoleArn"),
        "environment": {one["name"]: one["value"] for one in container.get("environment", [])},
        "logs": (container.get("logConfiguration") or {}).get("options") or {},
        "resources": {one["type"]: one["value"] for one in container.get("resourceRequirements", [])},
    }


def healthy_container(image, role_arn, memory_mib):
    return {
        "image": image,
        "command": ["python", "-m", "optimo"],
        "jobRoleArn": role_arn,
        "environment": [{"name": name, "value": value} for name, value in ENVIRONMENT.items()],
        "resourceRequirements": [
            {"type": "VCPU", "value": "1"},
            {"type": "MEMORY", "value": str(memory_mib)},
        ],
    }


def operator(session, user, policy):
    """Let the operator do what its written policy says."""
    session.client("iam").put_user_policy(
        UserName=user, PolicyName="recloser-operator", PolicyDocument=policy.read_text()
    )
    said(f"user {user}: policy of {policy.name} in force")


def provision(options, session=None):
    session = session or boto3.Session()
    account = session.client("sts").get_caller_identity()["Account"]
    image = f"{account}.dkr.ecr.{session.region_name}.amazonaws.com/{REPOSITORY}:{options.image_tag}"
    bucket(session, BUCKET, ["case14", "case30"])
    bucket(session, ARCHIVE, ["case14"])
    table(session)
    role_arn = role(session)
    log_group(session)
    repository(session)
    batch = session.client("batch")
    compute_environment(batch, options)
    queue(batch)
    job_definition(batch, healthy_container(image, role_arn, options.memory_mib))
    if options.operator_policy:
        operator(session, options.operator_user, options.operator_policy)


def options(words=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image-tag", default="1.4.2", help="tag of the job definition's image (default %(default)s)")
    parser.add_argument("--memory-mib", type=int, default=512, help="memory of a job (default %(default)s)")
    network = parser.add_argument_group("compute environment", "the defaults suit a sandbox; an account has its own")
    network.add_argument("--subnets", nargs="+", default=["subnet-00000000"])
    network.add_argument("--security-groups", nargs="+", default=["sg-00000000"])
    network.add_argument("--instance-role", default="ecsInstanceRole", help="instance profile (default %(default)s)")
    network.add_argument("--service-role", help="default: Batch's service-linked role")
    network.add_argument("--max-vcpus", type=int, default=4)
    parser.add_argument("--operator-policy", type=Path, help="policy (JSON) for the user who operates the job")
    parser.add_argument("--operator-user", help="that user's name")
    given = parser.parse_args(words)
    if bool(given.operator_policy) != bool(given.operator_user):
        parser.error("--operator-policy and --operator-user belong together")
    if given.operator_policy and not given.operator_policy.is_file():
        parser.error(f"--operator-policy: there is no file {given.operator_policy}")
    return given


def main():
    try:
        provision(options())
    except (BotoCoreError, ClientError, OSError) as error:
        raise SystemExit(f"provision: {error}") from None


if __name__ == "__main__":
    sys.exit(main())
