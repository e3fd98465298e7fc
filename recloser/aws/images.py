"""Container images in ECR."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from recloser.aws.errors import NotFound
from recloser.aws.translation import sensible, translated
from recloser.values import Value

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.type_defs import ImageIdentifierTypeDef

_ECR = re.compile(r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]{1,32})\.\S+")

_LISTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)
"""An index is asked for first: it names the platforms."""


class ImageReference(Value):
    """An image's name, taken apart."""

    registry: str | None = None
    """Host of the registry; None means Docker Hub."""
    account: str | None = None
    """The AWS account, if the registry is ECR's."""
    region: str | None = None
    """The AWS region, if the registry is ECR's."""
    repository: str
    tag: str | None = None
    digest: str | None = None
    """`sha256:…`; where there is one, it decides, not the tag."""


class ImagesGateway:
    """Calls about tags of ECR repositories."""

    def __init__(self, client: ECRClient) -> None:
        self._client = client

    def digest(self, repository: str, tag: str) -> str | None:
        """The digest a tag (or a digest) stands for, or None if there is no such image or repository."""
        try:
            with translated("ecr", "BatchGetImage"):
                answer = self._client.batch_get_image(repositoryName=repository, imageIds=[_image_id(tag)])
        except NotFound:
            return None
        images = answer.get("images", [])
        return images[0].get("imageId", {}).get("imageDigest") if images else None

    def architectures(self, repository: str, named: str) -> tuple[str, ...]:
        """The CPU architectures an image is built for, such as `amd64`, where its manifest lists them.

        Args:
            repository: Name of the repository.
            named: A tag, or a digest (`sha256:…`).

        Returns:
            None of them for an unknown image, and for one of a single platform: only its configuration says which.
        """
        try:
            with translated("ecr", "BatchGetImage"):
                answer = self._client.batch_get_image(
                    repositoryName=repository, imageIds=[_image_id(named)], acceptedMediaTypes=list(_LISTS)
                )
        except NotFound:
            return ()
        with sensible("ecr", "BatchGetImage"):
            manifests = [json.loads(image["imageManifest"]).get("manifests", []) for image in answer.get("images", [])]
            platforms = [one.get("platform", {}) for listed in manifests for one in listed]
            built = (str(platform.get("architecture", "unknown")) for platform in platforms)
            return tuple(dict.fromkeys(name for name in built if name != "unknown"))  # attestations have none

    @translated("ecr", "BatchDeleteImage")
    def delete_tag(self, repository: str, tag: str) -> None:
        """Remove a tag; one that is gone already is no error."""
        self._client.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": tag}])


def _image_id(named: str) -> ImageIdentifierTypeDef:
    return {"imageDigest": named} if named.startswith("sha256:") else {"imageTag": named}


def parse_image(image: str) -> ImageReference:
    """Take an image's name apart, as Docker does: `[registry/]repository[:tag][@digest]`.

    Raises:
        ValueError: It has no repository.
    """
    named, _, digest = image.partition("@")
    path, colon, tag = named.rpartition(":")
    if not colon or "/" in tag:  # the colon belongs to the registry's port
        path, tag = named, ""
    host, slash, rest = path.partition("/")
    is_host = bool(slash) and ("." in host or ":" in host or host == "localhost")
    registry, repository = (host, rest) if is_host else (None, path)
    if not repository:
        raise ValueError(f"{image!r} names no image repository")
    ecr = _ECR.fullmatch(registry or "")
    return ImageReference(
        registry=registry,
        account=ecr["account"] if ecr else None,
        region=ecr["region"] if ecr else None,
        repository=repository,
        tag=tag or None,
        digest=digest or None,
    )
