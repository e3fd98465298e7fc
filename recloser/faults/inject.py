"""Put a declared fault into the sandbox."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from functools import singledispatchmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from recloser.faults import models
from recloser.faults.models import Fault, FaultError

if TYPE_CHECKING:
    from collections.abc import Callable

    from recloser.sandbox import Sandbox
    from recloser.target import Target

# What DescribeJobDefinitions tells beside what RegisterJobDefinition takes.
_NOT_REGISTERED = ("jobDefinitionArn", "revision", "status", "containerOrchestrationType")

_NO_SECRET = "not-a-secret-of-any-account"  # noqa: S105 - what it says

# A manifest that leads nowhere: listed, and not to be pulled.
_HOLLOW = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{0:064x}", "size": 0},
    "layers": [],
}


def inject(fault: Fault, target: Target, sandbox: Sandbox) -> None:
    """Break a target.

    Raises:
        FaultError: What the fault is about is not there to be broken.
        SandboxError: The sandbox is down.
    """
    _Injector(target, sandbox).inject(fault)


class _Injector:
    """The sandbox's administrator with one target in hand."""

    def __init__(self, target: Target, sandbox: Sandbox) -> None:
        self._target = target
        self._sandbox = sandbox
        self._environment = sandbox.environment("admin")

    def _client(self, service: str) -> Any:
        batch = self._environment["AWS_ENDPOINT_URL_BATCH"]
        create: Any = boto3.client
        return create(
            service,
            endpoint_url=batch if service == "batch" else self._environment["AWS_ENDPOINT_URL"],
            region_name=self._environment["AWS_DEFAULT_REGION"],
            aws_access_key_id=self._environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self._environment["AWS_SECRET_ACCESS_KEY"],
        )

    @singledispatchmethod
    def inject(self, fault: Fault) -> None:
        """Put one fault in place."""
        raise FaultError(f"fault {fault.name!r} has no injector")

    @inject.register
    def _(self, fault: models.DropEnvironment) -> None:
        def drop(container: dict[str, Any]) -> None:
            container["environment"] = [pair for pair in container["environment"] if pair["name"] != fault.variable]

        self._new_revision(drop)

    @inject.register
    def _(self, fault: models.SetEnvironment) -> None:
        def put(container: dict[str, Any]) -> None:
            others = [pair for pair in container["environment"] if pair["name"] != fault.variable]
            container["environment"] = [*others, {"name": fault.variable, "value": fault.value}]

        self._new_revision(put)

    @inject.register
    def _(self, fault: models.SetMemory) -> None:
        def resize(container: dict[str, Any]) -> None:
            others = [need for need in container["resourceRequirements"] if need["type"] != "MEMORY"]
            container["resourceRequirements"] = [*others, {"type": "MEMORY", "value": str(fault.memory_mib)}]

        self._new_revision(resize)

    @inject.register
    def _(self, fault: models.ReplaceCommand) -> None:
        self._new_revision(lambda container: container.update(command=list(fault.command)))

    @inject.register
    def _(self, fault: models.SetLogGroup) -> None:
        logs = self._client("logs")
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            logs.delete_log_group(logGroupName=fault.group)
        options = {"logDriver": "awslogs", "options": {"awslogs-group": fault.group}}
        self._new_revision(lambda container: container.update(logConfiguration=options))

    @inject.register
    def _(self, fault: models.StaticKeys) -> None:
        def shadow(container: dict[str, Any]) -> None:
            forged = {"AWS_ACCESS_KEY_ID": fault.key_id, "AWS_SECRET_ACCESS_KEY": _NO_SECRET}
            others = [pair for pair in container["environment"] if pair["name"] not in forged]
            container["environment"] = [*others, *({"name": name, "value": forged[name]} for name in forged)]

        self._new_revision(shadow)

    @inject.register
    def _(self, fault: models.Distrust) -> None:
        statement = {"Effect": "Allow", "Principal": {"Service": fault.service}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._client("iam").update_assume_role_policy(RoleName=self._target.job.role, PolicyDocument=document)

    @inject.register
    def _(self, fault: models.SetImageTag) -> None:
        self._use_tag(fault.tag)

    @inject.register
    def _(self, fault: models.ForgetImage) -> None:
        self._client("ecr").put_image(
            repositoryName=self._repository(), imageTag=fault.tag, imageManifest=json.dumps(_HOLLOW)
        )

    @inject.register
    def _(self, fault: models.DefectiveImage) -> None:
        with tempfile.TemporaryDirectory(prefix="recloser-fault-") as folder:
            sources = Path(folder) / "sources"
            shutil.copytree(self._target.folder, sources, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            file = sources / fault.file
            file.write_text(_replaced(fault, file.read_text(encoding="utf-8")), encoding="utf-8")
            self._sandbox.build(sources, repository=self._repository(), tag=fault.tag)
        self._use_tag(fault.tag)

    @inject.register
    def _(self, fault: models.Revoke) -> None:
        iam, role = self._client("iam"), self._target.job.role
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            document = json.loads(document) if isinstance(document, str) else document
            kept = [statement for statement in document["Statement"] if statement.get("Sid") != fault.sid]
            if len(kept) < len(document["Statement"]):
                document["Statement"] = kept
                iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
                return
        raise FaultError(f"no policy of role {role} has a statement {fault.sid!r}")

    @inject.register
    def _(self, fault: models.Deny) -> None:
        role = self._client("iam").get_role(RoleName=self._target.job.role)["Role"]["Arn"]
        statement = {
            "Sid": "recloserFault",  # provisioning takes away what begins with `recloser`
            "Effect": "Deny",
            "Principal": {"AWS": role},
            "Action": fault.action,
            "Resource": fault.resource,
        }
        bucket = fault.resource.removeprefix("arn:aws:s3:::").split("/")[0]
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)

    @inject.register
    def _(self, fault: models.DeleteInput) -> None:
        self._client("s3").delete_object(**_location(fault.uri))

    @inject.register
    def _(self, fault: models.EmptyInput) -> None:
        self._client("s3").put_object(**_location(fault.uri), Body=b"")

    @inject.register
    def _(self, fault: models.RewriteInput) -> None:
        known_good = next((item.known_good for item in self._target.inputs if item.uri == fault.uri), None)
        if known_good is None:
            raise FaultError(f"{fault.uri} is no declared input with a known-good file")
        text = _replaced(fault, self._target.path(known_good).read_text(encoding="utf-8"))
        self._client("s3").put_object(**_location(fault.uri), Body=text.encode())

    @inject.register
    def _(self, fault: models.NoCapacity) -> None:
        del fault
        self._sandbox.faults(no_capacity_in=self._environment["AWS_DEFAULT_REGION"])

    @inject.register
    def _(self, fault: models.HostLoss) -> None:
        self._sandbox.faults(host_loss=fault.count)

    def _use_tag(self, tag: str) -> None:
        def retag(container: dict[str, Any]) -> None:
            container["image"] = f"{container['image'].rsplit(':', 1)[0]}:{tag}"

        self._new_revision(retag)

    def _repository(self) -> str:
        if self._target.image is None:
            raise FaultError(f"target {self._target.name!r} declares no [image]")
        return self._target.image.repository

    def _new_revision(self, change: Callable[[dict[str, Any]], None]) -> None:
        batch = self._client("batch")
        name = self._target.job.definition
        active = batch.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")["jobDefinitions"]
        if not active:
            raise FaultError(f"there is no job definition {name!r} to break; has the target been provisioned?")
        latest = max(active, key=lambda definition: definition["revision"])
        change(latest["containerProperties"])
        batch.register_job_definition(**{key: latest[key] for key in latest if key not in _NOT_REGISTERED})


def _replaced(fault: models.RewriteInput | models.DefectiveImage, text: str) -> str:
    if fault.find not in text:
        raise FaultError(f"fault {fault.name!r}: the text to replace is not there any more")
    return text.replace(fault.find, fault.replace, 1)


def _location(uri: str) -> dict[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}
