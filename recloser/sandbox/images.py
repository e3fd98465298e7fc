"""Images without containers: a snapshot of a folder and a runtime, registered behind an ECR tag.

The manifest that ECR keeps carries the runtime as an annotation, so a tag resolves through ECR's public API alone;
the snapshot lies in the state folder under the digest of its content. Same content, same runtime, same digest.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from recloser.sandbox.errors import SandboxError
from recloser.sandbox.ministack import ACCOUNT, REGION
from recloser.sandbox.snapshots import snapshot
from recloser.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recloser.sandbox.clients import Clients

_ANNOTATION = "dev.recloser.sandbox.runtime"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_FOLDER = "{image}"
_CACHE_S = 1.0
_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/"
    r"(?P<repository>[a-z0-9][a-z0-9._/-]*)(?::(?P<tag>[\w][\w.-]{0,127})|@(?P<digest>sha256:[0-9a-f]{64}))?"
)


class ImageNotFoundError(SandboxError):
    """ECR does not know the image, or its snapshot is gone."""


class Runtime(Value):
    """What stands for a container's file system and configuration; `{image}` means the snapshot's folder."""

    content: str
    """SHA-256 of the snapshot."""
    interpreter: str
    environment: dict[str, str] = Field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Image:
    """A runtime whose folder is known."""

    folder: Path
    environment: dict[str, str]
    entrypoint: tuple[str, ...]
    path: str
    """Where the interpreter lies; first in the job's PATH."""


class BuildRequest(Value):
    """What to make an image of."""

    context: str
    repository: str
    tag: str
    interpreter: str
    entrypoint: tuple[str, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict)
    region: str = REGION


class BuiltImage(Value):
    """An image that was pushed."""

    uri: str
    digest: str
    repository: str
    tag: str
    region: str
    manifest: str


def build(request: BuildRequest, images: Path) -> BuiltImage:
    """Snapshot the context and describe it by a manifest; pushes nothing."""
    if not os.access(request.interpreter, os.X_OK):
        raise SandboxError(f"the interpreter {request.interpreter} is not an executable file")
    runtime = Runtime(
        content=snapshot(Path(request.context), images),
        interpreter=request.interpreter,
        # What a Dockerfile of a Python job usually says; the build's own words win.
        environment={"PYTHONPATH": _FOLDER, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        | request.environment,
        entrypoint=request.entrypoint,
    )
    manifest = _manifest(runtime)
    return BuiltImage(
        uri=f"{ACCOUNT}.dkr.ecr.{request.region}.amazonaws.com/{request.repository}:{request.tag}",
        digest=_sha256(manifest.encode()),
        repository=request.repository,
        tag=request.tag,
        region=request.region,
        manifest=manifest,
    )


def _sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _manifest(runtime: Runtime) -> str:
    record = json.dumps(runtime.model_dump(), sort_keys=True)
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": _sha256(record.encode())}
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": f"sha256:{runtime.content}", "size": 0}
    document = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {**config, "size": len(record)},
        "layers": [layer],
        "annotations": {_ANNOTATION: record},
    }
    return json.dumps(document, sort_keys=True)


def push(built: BuiltImage, clients: Clients) -> None:
    """Put the manifest behind its tag, making the repository when it is missing."""
    ecr = clients.get("ecr", built.region)
    with contextlib.suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=built.repository)
    with contextlib.suppress(ecr.exceptions.ImageAlreadyExistsException):
        ecr.put_image(
            repositoryName=built.repository,
            imageTag=built.tag,
            imageManifest=built.manifest,
            imageManifestMediaType=_MANIFEST,
        )


class Images:
    """Finds the runtime behind an image name; what was found is believed for a second, what was not is asked again."""

    def __init__(self, clients: Clients, folder: Path) -> None:
        self._clients = clients
        self._folder = folder
        self._found: dict[str, tuple[float, Image]] = {}
        self._asked: dict[str, asyncio.Task[Image]] = {}

    async def find(self, name: str) -> Image:
        """The image; many who ask at once are answered once.

        Raises:
            ImageNotFoundError: There is none.
        """
        at, image = self._found.get(name, (-_CACHE_S, None))
        if image is not None and time.monotonic() - at < _CACHE_S:
            return image
        if (asked := self._asked.get(name)) is not None:
            with contextlib.suppress(ImageNotFoundError):  # it may have been pushed since that was asked
                return await asyncio.shield(asked)
        asked = self._asked[name] = asyncio.create_task(asyncio.to_thread(self.resolve, name))
        asked.add_done_callback(lambda _: self._asked.pop(name, None))
        return await asyncio.shield(asked)

    def resolve(self, name: str) -> Image:
        """Ask ECR for the image.

        Raises:
            ImageNotFoundError: There is none.
        """
        runtime = self._runtime(name)
        folder = self._folder / runtime.content
        if not folder.is_dir():
            raise ImageNotFoundError(name)
        image = _located(runtime, folder)
        self._found[name] = (time.monotonic(), image)
        return image

    def _runtime(self, name: str) -> Runtime:
        manifest = self._manifest(name)
        try:
            return Runtime.model_validate_json(json.loads(manifest)["annotations"][_ANNOTATION])
        except (KeyError, TypeError, ValueError) as error:
            raise ImageNotFoundError(name) from error

    def _manifest(self, name: str) -> str:
        parts = _URI.fullmatch(name)
        if parts is None:
            raise ImageNotFoundError(name)
        ecr = self._clients.get("ecr", parts["region"])
        try:
            answer = ecr.batch_get_image(repositoryName=parts["repository"], imageIds=[_image_id(parts)])
        except ecr.exceptions.RepositoryNotFoundException as error:
            raise ImageNotFoundError(name) from error
        if not answer["images"]:
            raise ImageNotFoundError(name)
        return str(answer["images"][0]["imageManifest"])


def repository_of(name: str) -> str | None:
    """The ECR repository of an image's name; None when it is of no ECR of this form."""
    parts = _URI.fullmatch(name)
    return None if parts is None else parts["repository"]


def _image_id(parts: re.Match[str]) -> dict[str, str]:
    return {"imageDigest": parts["digest"]} if parts["digest"] else {"imageTag": parts["tag"] or "latest"}


def _located(runtime: Runtime, folder: Path) -> Image:
    return Image(
        folder=folder,
        environment={name: _place(value, folder) for name, value in runtime.environment.items()},
        entrypoint=tuple(_place_all(runtime.entrypoint, folder)),
        path=str(Path(runtime.interpreter).parent),
    )


def _place(text: str, folder: Path) -> str:
    return text.replace(_FOLDER, str(folder))


def _place_all(words: Sequence[str], folder: Path) -> list[str]:
    return [_place(word, folder) for word in words]


def parse_environment(pairs: Sequence[str]) -> Mapping[str, str]:
    """Read `NAME=value` words.

    Raises:
        SandboxError: A word has another form.
    """
    wrong = [pair for pair in pairs if not re.fullmatch(r"[A-Za-z_]\w*=.*", pair, re.DOTALL)]
    if wrong:
        raise SandboxError(f"expected NAME=value, got {wrong[0]!r}")
    return dict(pair.split("=", 1) for pair in pairs)
