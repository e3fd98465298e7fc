"""The causes a failed job can have, and the class that decides whether an unchanged retry makes sense."""

from enum import StrEnum


class CauseClass(StrEnum):
    """What kind of thing failed."""

    TRANSIENT = "transient"
    RESOURCE = "resource"
    CAPACITY = "capacity"
    PERMISSION = "permission"
    CONFIGURATION = "configuration"
    IMAGE = "image"
    NETWORK = "network"
    DATA = "data"
    CODE = "code"
    USER = "user"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why a job failed; `unknown` is an answer, not an error."""

    OOM = "oom"
    SPOT_INTERRUPTION = "spot_interruption"
    TIMEOUT = "timeout"
    USER_CANCELLED = "user_cancelled"
    IMAGE_NOT_FOUND = "image_not_found"
    IMAGE_PULL_PERMISSION = "image_pull_permission"
    IMAGE_PULL_NETWORK = "image_pull_network"
    REGISTRY_RATE_LIMIT = "registry_rate_limit"
    DISK_FULL = "disk_full"
    DOCKER_TRANSIENT = "docker_transient"
    ENTRYPOINT_OR_COMMAND = "entrypoint_or_command"
    EXEC_PERMISSION = "exec_permission"
    ARCH_MISMATCH = "arch_mismatch"
    CONTAINER_BUILD_DEPENDENCY = "container_build_dependency"
    MISSING_ENV_VAR = "missing_env_var"
    SECRET_RESOLUTION = "secret_resolution"  # noqa: S105 - a label, not a secret
    S3_PERMISSION = "s3_permission"
    IAM_ROLE_TRUST = "iam_role_trust"
    SUBMIT_PERMISSION = "submit_permission"
    CREDENTIALS_MISSING = "credentials_missing"
    LOGS_CONFIG = "logs_config"
    NETWORK_CONNECTIVITY = "network_connectivity"
    EFS_MOUNT = "efs_mount"
    GPU_CONFIG = "gpu_config"
    SHM_TOO_SMALL = "shm_too_small"
    FILE_NOT_FOUND = "file_not_found"
    INVALID_REQUEST = "invalid_request"
    JOBDEF_NOT_FOUND = "jobdef_not_found"
    FARGATE_RESOURCE_COMBO = "fargate_resource_combo"
    RUNNABLE_RESOURCE_REQUIREMENT = "runnable_resource_requirement"
    RUNNABLE_CAPACITY = "runnable_capacity"
    RUNNABLE_QUOTA = "runnable_quota"
    COMPUTE_ENV_INVALID = "compute_env_invalid"
    RUNNABLE_UNDETERMINED = "runnable_undetermined"
    API_THROTTLING = "api_throttling"
    SERVICE_TRANSIENT = "service_transient"
    DEPENDENCY_SERVICE = "dependency_service"
    DEPENDENCY_JOB_FAILED = "dependency_job_failed"
    APP_CRASH = "app_crash"
    APP_ERROR = "app_error"
    UNKNOWN = "unknown"

    @property
    def cause_class(self) -> CauseClass:
        """The class of this cause."""
        return _CLASS_OF[self]


_CLASS_OF: dict[Cause, CauseClass] = {
    cause: cause_class
    for cause_class, causes in {
        CauseClass.TRANSIENT: (
            Cause.SPOT_INTERRUPTION,
            Cause.REGISTRY_RATE_LIMIT,
            Cause.DOCKER_TRANSIENT,
            Cause.API_THROTTLING,
            Cause.SERVICE_TRANSIENT,
        ),
        CauseClass.RESOURCE: (
            Cause.OOM,
            Cause.TIMEOUT,
            Cause.DISK_FULL,
            Cause.SHM_TOO_SMALL,
            Cause.RUNNABLE_RESOURCE_REQUIREMENT,
        ),
        CauseClass.CAPACITY: (Cause.RUNNABLE_CAPACITY, Cause.RUNNABLE_QUOTA),
        CauseClass.PERMISSION: (
            Cause.IMAGE_PULL_PERMISSION,
            Cause.S3_PERMISSION,
            Cause.IAM_ROLE_TRUST,
            Cause.SUBMIT_PERMISSION,
        ),
        CauseClass.CONFIGURATION: (
            Cause.ENTRYPOINT_OR_COMMAND,
            Cause.MISSING_ENV_VAR,
            Cause.SECRET_RESOLUTION,
            Cause.CREDENTIALS_MISSING,
            Cause.LOGS_CONFIG,
            Cause.EFS_MOUNT,
            Cause.GPU_CONFIG,
            Cause.INVALID_REQUEST,
            Cause.JOBDEF_NOT_FOUND,
            Cause.FARGATE_RESOURCE_COMBO,
            Cause.COMPUTE_ENV_INVALID,
        ),
        CauseClass.IMAGE: (
            Cause.IMAGE_NOT_FOUND,
            Cause.EXEC_PERMISSION,
            Cause.ARCH_MISMATCH,
            Cause.CONTAINER_BUILD_DEPENDENCY,
        ),
        CauseClass.NETWORK: (Cause.IMAGE_PULL_NETWORK, Cause.NETWORK_CONNECTIVITY, Cause.DEPENDENCY_SERVICE),
        CauseClass.DATA: (Cause.FILE_NOT_FOUND,),
        CauseClass.CODE: (Cause.APP_CRASH, Cause.APP_ERROR),
        CauseClass.USER: (Cause.USER_CANCELLED,),
        CauseClass.UNKNOWN: (Cause.RUNNABLE_UNDETERMINED, Cause.DEPENDENCY_JOB_FAILED, Cause.UNKNOWN),
    }.items()
    for cause in causes
}
