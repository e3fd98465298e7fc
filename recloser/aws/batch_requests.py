"""A submission as SubmitJob takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_batch.type_defs import (
        ArrayPropertiesTypeDef,
        EvaluateOnExitTypeDef,
        JobDependencyTypeDef,
        JobTimeoutTypeDef,
        RetryStrategyTypeDef,
    )

    from recloser.values import JobSpec, RetryRule, RetryStrategy


class Given(TypedDict, total=False):
    """What SubmitJob is sent beside names, overrides and tags."""

    timeout: JobTimeoutTypeDef
    parameters: Mapping[str, str]
    arrayProperties: ArrayPropertiesTypeDef
    dependsOn: list[JobDependencyTypeDef]
    retryStrategy: RetryStrategyTypeDef
    shareIdentifier: str
    schedulingPriorityOverride: int


def given_of(spec: JobSpec) -> Given:
    """What a submission asks for beyond its definition; what is None or empty is left out."""
    given: Given = {}
    if spec.timeout_s is not None:
        given["timeout"] = {"attemptDurationSeconds": spec.timeout_s}
    if spec.parameters:
        given["parameters"] = dict(spec.parameters)
    if spec.array_size is not None:
        given["arrayProperties"] = {"size": spec.array_size}
        if spec.is_sequential:
            given["dependsOn"] = [{"type": "SEQUENTIAL"}]
    if spec.retry is not None:
        given["retryStrategy"] = _strategy_of(spec.retry)
    if spec.share is not None:
        given["shareIdentifier"] = spec.share
        if spec.priority is not None:
            given["schedulingPriorityOverride"] = spec.priority
    return given


def _strategy_of(retry: RetryStrategy) -> RetryStrategyTypeDef:
    strategy: RetryStrategyTypeDef = {"attempts": retry.attempts}
    if retry.rules:
        strategy["evaluateOnExit"] = [_rule_of(rule) for rule in retry.rules]
    return strategy


def _rule_of(rule: RetryRule) -> EvaluateOnExitTypeDef:
    told: EvaluateOnExitTypeDef = {"action": "RETRY" if rule.action == "RETRY" else "EXIT"}
    if rule.on_status_reason is not None:
        told["onStatusReason"] = rule.on_status_reason
    if rule.on_reason is not None:
        told["onReason"] = rule.on_reason
    if rule.on_exit_code is not None:
        told["onExitCode"] = rule.on_exit_code
    return told
