"""How attempts end, in AWS's words; pure functions over a job's document."""

from __future__ import annotations

from typing import Final

from recloser.sandbox.batch.model import Document, now_ms
from recloser.sandbox.batch.retries import is_retried

HOST: Final = "i-0123456789abcdef0"
HOST_LOST: Final = f"Host EC2 (instance {HOST}) terminated."
CONTAINER_EXITED: Final = "Essential container in task exited"
NOT_STARTED: Final = "Task failed to start"
TIMED_OUT: Final = "Job attempt duration exceeded timeout"
OUT_OF_MEMORY: Final = "OutOfMemoryError: Container killed due to memory usage"
OVERRIDES_TOO_LONG: Final = "Container Overrides length must be at most 8192"
TOO_MANY_TAGS: Final = "Job and job definition together have more than 50 tags to propagate"
DEPENDENCY_FAILED: Final = "Dependent Job failed"
CHILD_FAILED: Final = "Array Child Job failed"
QUEUE_DELETED: Final = "Job queue was deleted"

_MAX_REASON = 255
_OF_CONTAINER = ("exitCode", "reason")
_SHOWN = ("containerInstanceArn", "taskArn", *_OF_CONTAINER, "logStreamName")
_FLAGS = ("isCancelled", "isTerminated")


class StartError(Exception):
    """The attempt ends before its process runs; the text is the container's reason."""

    def __init__(self, reason: str, exit_code: int | None = None) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


def exited(exit_code: int, *, out_of_memory: bool) -> Document:
    """The main process ended by itself, by a signal or for want of memory."""
    reason = {"reason": OUT_OF_MEMORY} if out_of_memory else {}
    return {"statusReason": CONTAINER_EXITED, "exitCode": exit_code, **reason}


def not_started(error: StartError) -> Document:
    """The process never ran."""
    code = {} if error.exit_code is None else {"exitCode": error.exit_code}
    return {"statusReason": NOT_STARTED, "reason": str(error)[:_MAX_REASON], **code}


def no_image(image: str) -> StartError:
    """The registry knows no such image."""
    return _cannot_pull(f"manifest for {image} not found: manifest unknown: Requested image not found")


def no_registry(image: str) -> StartError:
    """The image's registry cannot be reached (wording: Amazon ECS Developer Guide, CannotPullContainer errors)."""
    host, slash, _ = image.partition("/")
    registry = host if slash and "." in host else "registry-1.docker.io"
    problem = "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)"
    return _cannot_pull(f'Get "https://{registry}/v2/": {problem}')


def _cannot_pull(problem: str) -> StartError:
    return StartError(f"CannotPullContainerError: Error response from daemon: {problem}")


def cannot_start(problem: str, exit_code: int) -> StartError:
    """The command is not there."""
    return StartError(
        "CannotStartContainerError: Error response from daemon: failed to create shim task: OCI runtime create "
        f"failed: runc create failed: unable to start container process: {problem}: unknown",
        exit_code,
    )


def cannot_assume(role_arn: str) -> StartError:
    """The role does not exist or does not trust ECS tasks."""
    return StartError(
        f"ECS was unable to assume the role '{role_arn}' that was provided for this task. Please verify that the role "
        "being passed has the proper trust relationship and permissions and that your IAM user has permissions to "
        "pass this role."
    )


def no_log_group() -> StartError:
    """The log driver has no group to write to."""
    return StartError(
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed "
        "to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit "
        "status 1"
    )


def fail(detail: Document, ending: Document) -> None:
    """Make a job FAILED that has no attempt to record."""
    detail.update(ending, status="FAILED", stoppedAt=now_ms())


def record(detail: Document, own: Document, imposed: Document | None) -> None:
    """Write the end of an attempt, and with it the end of the job or, where it is tried again, its return to RUNNABLE.

    Args:
        detail: The job as DescribeJobs shows it; changed.
        own: How the container ended.
        imposed: What ended it from outside, if anything; its words stand before the container's.
    """
    ending = imposed or own
    if ending["statusReason"] != HOST_LOST:  # a lost host reports nothing of its containers
        detail["container"].update({key: own[key] for key in _OF_CONTAINER if key in own})
    stopped = now_ms()
    attempt = _attempt(detail, ending["statusReason"], stopped)
    detail["attempts"].append(attempt)
    detail.update({key: ending[key] for key in _FLAGS if key in ending})
    if imposed is None and own.get("exitCode") == 0:
        detail.update(status="SUCCEEDED", statusReason=ending["statusReason"], stoppedAt=stopped)
    elif _is_failure(ending) and _has_another(detail, attempt):
        _begin_again(detail)
    else:
        detail.update(status="FAILED", statusReason=ending["statusReason"], stoppedAt=stopped)


def _is_failure(ending: Document) -> bool:
    # what a user or a time limit has ended is not tried again
    return not any(ending.get(flag) for flag in _FLAGS) and ending["statusReason"] != TIMED_OUT


def _has_another(detail: Document, attempt: Document) -> bool:
    strategy = detail.get("retryStrategy", {"attempts": 1, "evaluateOnExit": []})
    facts = {**attempt["container"], "statusReason": attempt["statusReason"]}
    return is_retried(strategy, len(detail["attempts"]), facts)


def _begin_again(detail: Document) -> None:
    detail["status"] = "RUNNABLE"
    for name in ("startedAt", "statusReason"):
        detail.pop(name, None)
    for name in _SHOWN:
        detail["container"].pop(name, None)


def _attempt(detail: Document, reason: str, stopped: int) -> Document:
    shown = {key: detail["container"][key] for key in _SHOWN if key in detail["container"]}
    started = {"startedAt": detail["startedAt"]} if "startedAt" in detail else {}
    container = {**shown, "networkInterfaces": []}
    return {"container": container, **started, "stoppedAt": stopped, "statusReason": reason, "taskProperties": []}
