"""Requests checked against botocore's own model of Batch, and against the limits the model does not state."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import botocore.loaders
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from recloser.sandbox.batch.model import BatchError, Document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import OperationModel, Shape

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
MAX_TAGS = 50
_MIN_TIMEOUT_S = 60
_MIN_MEMORY_MIB = 4
_KIB = 1024
_BYTES = {"SubmitJob": 30 * _KIB, "RegisterJobDefinition": 24 * _KIB}


class Operations:
    """The operations of Batch as botocore knows them."""

    def __init__(self) -> None:
        description = botocore.loaders.create_loader().load_service_model("batch", "service-2")
        self._model = ServiceModel(description, "batch")
        self._validator = ParamValidator()
        self._by_path = {
            self._model.operation_model(name).http["requestUri"]: name for name in self._model.operation_names
        }

    def at(self, path: str) -> str | None:
        """The operation whose request goes to this path."""
        return self._by_path.get(path)

    def check(self, operation: str, request: Document) -> None:
        """Refuse a request that does not have the modelled shape.

        Raises:
            BatchError: Required members are missing, types or values are wrong, or it is too long.
        """
        shape: Any = self._operation(operation).input_shape
        report = self._validator.validate(request, shape)
        if report.has_errors():
            raise BatchError(f"Parameter validation failed: {report.generate_report()}")
        for problem in _enum_problems(shape, request, operation):
            raise BatchError(problem)
        limit = _BYTES.get(operation)
        if limit is not None and len(json.dumps(request, separators=(",", ":"))) > limit:
            raise BatchError(f"{operation}: the request is longer than {limit} bytes")

    def _operation(self, name: str) -> OperationModel:
        return self._model.operation_model(name)


def _enum_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    allowed = getattr(shape, "enum", None)
    if allowed and value not in allowed and not _is_any_case(shape, value, allowed):
        yield f"{path} = {value!r} is not one of {', '.join(allowed)}"
    for name, member, child in _children(shape, value):
        yield from _enum_problems(member, child, f"{path}.{name}")


def _is_any_case(shape: Shape, value: Any, allowed: list[str]) -> bool:
    # the action of evaluateOnExit is the one value whose case does not matter
    return shape.name == "RetryAction" and isinstance(value, str) and value.upper() in allowed


def _children(shape: Any, value: Any) -> Iterator[tuple[str, Shape, Any]]:
    if shape.type_name == "structure":
        yield from ((name, shape.members[name], child) for name, child in value.items() if name in shape.members)
    elif shape.type_name == "list":
        yield from ((str(index), shape.member, child) for index, child in enumerate(value))


def check_name(name: str, field: str) -> None:
    """Refuse a name Batch would not take: 1-128 letters, digits, `-`, `_`, the first alphanumeric."""
    if not _NAME.fullmatch(name):
        message = f"{field} {name[:140]!r} should match [A-Za-z0-9][A-Za-z0-9_-]* and have at most 128 characters"
        raise BatchError(message)


def check_tags(tags: dict[str, str]) -> None:
    """Refuse more than 50 tags, or one whose key or value is too long."""
    if len(tags) > MAX_TAGS:
        raise BatchError(f"a resource can have at most {MAX_TAGS} tags, got {len(tags)}")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256 or key.lower().startswith("aws:"):  # noqa: PLR2004
            raise BatchError(f"tag {key[:140]!r} is not valid: keys have 1-128, values at most 256 characters")


def check_timeout(timeout: Document | None) -> None:
    """Refuse a time limit under a minute."""
    seconds = (timeout or {}).get("attemptDurationSeconds")
    if seconds is not None and seconds < _MIN_TIMEOUT_S:
        raise BatchError(f"timeout.attemptDurationSeconds should be at least {_MIN_TIMEOUT_S}, got {seconds}")


def sizes(container: Document, *, fargate: bool = False) -> dict[str, float]:
    """The processors and memory a container asks for, where it says so; `resourceRequirements` wins.

    Args:
        container: What asks.
        fargate: Whether parts of a processor can be had.

    Raises:
        BatchError: A size is no number of its kind or too small.
    """
    found: dict[str, float] = {name: container[name] for name in ("vcpus", "memory") if container.get(name) is not None}
    for item in container.get("resourceRequirements", []):
        parts = fargate and item["type"] == "VCPU"
        found[{"VCPU": "vcpus", "MEMORY": "memory"}[item["type"]]] = _fraction(item) if parts else _whole(item)
    least = 0.25 if fargate else 1
    if found.get("vcpus", 1) < least:
        raise BatchError(f"vcpus should be at least {least:g}, got {found['vcpus']}")
    if found.get("memory", _MIN_MEMORY_MIB) < _MIN_MEMORY_MIB:
        raise BatchError(f"memory should be at least {_MIN_MEMORY_MIB} MiB, got {found['memory']}")
    return found


def _whole(item: Document) -> int:
    if not re.fullmatch(r"\d{1,9}", item["value"], re.ASCII):
        raise BatchError(f"resourceRequirements {item['type']} should be a whole number, got {item['value']!r}")
    return int(item["value"])


def _fraction(item: Document) -> float:
    if not re.fullmatch(r"\d{1,3}(\.\d{1,3})?", item["value"], re.ASCII):
        raise BatchError(f"resourceRequirements {item['type']} should be a number, got {item['value']!r}")
    return float(item["value"])
