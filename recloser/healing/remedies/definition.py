"""What a definition gives its container and a submission cannot: shared memory, scratch, role, platform, no keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.healing.errors import Refused
from recloser.healing.remedies.catalogue import remedy_facts
from recloser.healing.remedies.limits import limits
from recloser.healing.remedies.proposal import proposer
from recloser.healing.remedies.revision import Revision, RevisionKind, sibling
from recloser.values import ContainerEdits, Platform

if TYPE_CHECKING:
    from recloser.healing.remedies.change import Case

STATIC_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def set_shared_memory(case: Case) -> Revision:
    """Plan a larger `/dev/shm` for a container on EC2; it counts against the container's memory."""
    guard, job = case.site.target.guardrails.shared_memory, case.evidence.job
    if job.platform is Platform.FARGATE:
        raise Refused("Fargate has no sharedMemorySize: the job must use less of /dev/shm, or run on EC2")
    if guard is None:
        raise Refused("the target declares no [guardrails.shared_memory], so no larger size is allowed")
    before = job.shared_memory_mib or limits().shared_memory.default_mib
    after = min(int(before * guard.factor), guard.max_mib, job.memory_mib or guard.max_mib)
    if after <= before:
        raise Refused(f"it has {before} MiB; the target allows {guard.max_mib}, the job's memory {job.memory_mib} MiB")
    return _revision(
        "set_shared_memory",
        case,
        ContainerEdits(shared_memory_mib=after),
        why="shm",
        setting="linuxParameters.sharedMemorySize",
        values=(before, after),
        summary=f"enlarge shared memory from {before} to {after} MiB",
        steps=guard.max_steps,
    )


def grow_disk(case: Case) -> Revision:
    """Plan more scratch for a Fargate task; the disk of EC2 hosts is their owner's to change."""
    guard, job = case.site.target.guardrails.disk, case.evidence.job
    if job.platform is not Platform.FARGATE:
        proposer("grow_disk_of_hosts")(case)
    if guard is None:
        raise Refused("the target declares no [guardrails.disk], so no larger scratch is allowed")
    before = job.ephemeral_gib or limits().ephemeral_storage.default_gib
    after = min(int(before * guard.factor), guard.max_gib)
    if after <= before:
        raise Refused(f"the task has {before} GiB of scratch and the target allows at most {guard.max_gib} GiB")
    return _revision(
        "grow_disk",
        case,
        ContainerEdits(ephemeral_gib=after),
        why="disk",
        setting="ephemeralStorage.sizeInGiB",
        values=(before, after),
        summary=f"grow the task's scratch from {before} to {after} GiB",
        steps=guard.max_steps,
    )


def set_job_role(case: Case) -> Revision:
    """Plan to give a definition without a job role the declared one."""
    roles, job = case.site.target.guardrails.definition.job_roles, case.evidence.job
    if job.job_role_arn is not None:
        raise Refused(f"the job runs as {job.job_role_arn}: it has a role, the credentials fail elsewhere")
    if not roles:
        raise Refused("the target declares no role for it (guardrails.definition.job_roles)")
    role = roles[0]
    case.site.account.iam.role_arn(role.rsplit("/", 1)[-1])
    return _revision(
        "set_job_role",
        case,
        ContainerEdits(job_role_arn=role),
        why="role",
        setting="jobRoleArn",
        values=("none", role),
        summary=f"run the job as {role}",
    )


def set_platform(case: Case) -> Revision:
    """Plan the declared architecture for a Fargate definition whose image is built for another."""
    declared, job = case.site.target.guardrails.definition.architectures, case.evidence.job
    if job.platform is not Platform.FARGATE:
        raise Refused("on EC2 the architecture is the queue's: declare a fallback queue of the image's architecture")
    before = job.cpu_architecture or "X86_64"
    others = [architecture for architecture in declared if architecture != before]
    if not others:
        raise Refused(f"the target declares no architecture beside {before} (guardrails.definition.architectures)")
    after = others[0]
    return _revision(
        "set_platform",
        case,
        ContainerEdits(cpu_architecture=after),
        why="platform",
        setting="runtimePlatform.cpuArchitecture",
        values=(before, after),
        summary=f"run the job on {after} instead of {before}",
    )


def unset_static_keys(case: Case) -> Revision:
    """Plan to take static keys out of a definition whose job role they shadow; no value is shown."""
    job = case.evidence.job
    if not case.site.target.guardrails.definition.unset_static_keys:
        raise Refused("the target gives no leave for it (guardrails.definition.unset_static_keys)")
    if job.job_role_arn is None:
        raise Refused("the job has no role: without its keys it would have no credentials at all")
    submitted = [name for name in STATIC_KEYS if name in case.spec.environment]
    if submitted:
        raise Refused(f"{', '.join(submitted)} is sent with every submission: take it out of [job] environment")
    names = tuple(name for name in STATIC_KEYS if name in job.environment)
    if not names:
        raise Refused("the definition sets no static keys; they may be in the image, which must be built without them")
    return _revision(
        "unset_static_keys",
        case,
        ContainerEdits(unset_environment=names),
        why="keys",
        setting="environment",
        values=(f"{', '.join(names)} (values not shown)", None),
        summary=f"take {', '.join(names)} out",
    )


def _revision(
    kind: RevisionKind,
    case: Case,
    edits: ContainerEdits,
    *,
    why: str,
    setting: str,
    values: tuple[object, object | None],
    summary: str,
    steps: int = 1,
) -> Revision:
    """The revision in which one setting goes from its first value to its second; None takes it out."""
    before, after = (() if value is None else (f"{setting}: {value}",) for value in values)
    made = sibling(case, kind, why, edits, before=before, after=after)
    return Revision(
        kind=kind,
        sibling=made,
        summary=f"{summary}, through job definition {made.name}",
        permanent=f"Register a revision of {case.site.target.job.definition}: {''.join(after) or summary}.",
        level=remedy_facts()[kind].level,
        steps=steps,
    )
