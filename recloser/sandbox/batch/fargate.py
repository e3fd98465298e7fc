"""What differs on Fargate: the pairs of vCPUs and memory on offer, and the fields only its definitions may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recloser.sandbox.batch.model import BatchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recloser.sandbox.batch.model import Document

# vCPUs and the memory sizes that go with them, in MiB (botocore, ResourceRequirement).
_PAIRS: Final[Mapping[float, Sequence[int]]] = {
    0.25: (512, 1024, 2048),
    0.5: range(1024, 4097, 1024),
    1: range(2048, 8193, 1024),
    2: range(4096, 16385, 1024),
    4: range(8192, 30721, 1024),
    8: range(16384, 61441, 4096),
    16: range(32768, 122881, 8192),
}
_SCRATCH_GIB: Final = range(21, 201)
_ONLY_HERE: Final = ("ephemeralStorage", "fargatePlatformConfiguration", "networkConfiguration")
_ONLY_ON_EC2: Final = ("linuxParameters", "privileged")


def is_fargate(document: Document) -> bool:
    """Whether a definition, or a compute environment's resources, are of Fargate."""
    kinds = document.get("platformCapabilities") or [document.get("type", "")]
    return str(kinds[0]).startswith("FARGATE")


def check_pair(sizes: Mapping[str, float]) -> None:
    """Refuse a pair that Fargate does not offer."""
    vcpus, memory = sizes["vcpus"], sizes["memory"]
    if memory not in _PAIRS.get(vcpus, ()):
        raise BatchError(f"Fargate resource requirements ({vcpus:.2f} vCPU, {memory:g} MiB) not valid.")


def check_container(container: Document, *, fargate: bool) -> None:
    """Refuse fields of the other platform, and on Fargate a definition that its tasks could not start with."""
    wrong = [name for name in (_ONLY_ON_EC2 if fargate else _ONLY_HERE) if container.get(name)]
    if wrong:
        raise BatchError(f"{wrong[0]} is not applicable for {'Fargate' if fargate else 'EC2'}")
    if not fargate:
        return
    if not container.get("executionRoleArn"):
        raise BatchError("executionRoleArn is required for Fargate")
    scratch = (container.get("ephemeralStorage") or {}).get("sizeInGiB")
    if scratch is not None and scratch not in _SCRATCH_GIB:
        raise BatchError(f"ephemeralStorage.sizeInGiB should be from 21 to 200, got {scratch}")
