"""An unknown image tag: the last good one, or a new build by the target's declared command.

SubmitJob cannot override the image, so both work through a sibling job definition that differs in the image alone.
No existing tag is ever overwritten.
"""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING, Literal

from recloser.aws import parse_image
from recloser.healing.errors import ChangeFailed, Proposed, Refused
from recloser.healing.remedies.catalogue import remedy_facts
from recloser.healing.remedies.change import Case, Wording
from recloser.healing.remedies.revision import Revision, Sibling, sibling
from recloser.values import AutonomyLevel, Cause, ContainerEdits, JobSpec, Value

if TYPE_CHECKING:
    from recloser.healing.site import Site

_BUILD_TIMEOUT_S = 3_600


class RebuildImage(Value):
    """A new build under a tag of its own, through a sibling job definition."""

    kind: Literal["rebuild_image"] = "rebuild_image"
    sibling: Sibling
    repository: str
    tag: str
    command: tuple[str, ...] = ()
    project: str | None = None
    """The CodeBuild project that builds it, where the target names one instead of a command."""
    level: AutonomyLevel = AutonomyLevel.APPROVAL
    steps: int = 1
    settle_s: float = 0

    def wording(self, site: Site) -> Wording:
        """The command and the image before and after."""
        builder = "CodeBuild project" if self.project else "command"
        return Wording(
            summary=f"build {self.repository}:{self.tag} with the target's declared {builder}",
            diff=f"{self.sibling.diff()}\n# built by: {self.project or ' '.join(self.command)}",
            permanent=f"Publish the build under a release tag and register {site.target.job.definition} with it.",
            undo=f"{self.sibling.undo}; "
            f"aws ecr batch-delete-image --repository-name {self.repository} --image-ids imageTag={self.tag}",
        )

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """Submit on the sibling."""
        del site
        return spec.model_copy(update={"definition": self.sibling.name})

    def apply(self, site: Site) -> None:
        """Build, publish, register."""
        if self.project is None:
            _build(self.command, site)
        else:
            self._build_there(self.project, site)
        self.sibling.register(site)

    def _build_there(self, project: str, site: Site) -> None:
        failure = site.account.builds.run(
            project, variables={"IMAGE_TAG": self.tag}, token=self.tag, timeout_s=_BUILD_TIMEOUT_S
        )
        if failure is not None:
            raise ChangeFailed(f"the declared CodeBuild project {project} failed: {failure}")

    def verify(self, site: Site) -> None:
        """The registry knows the tag, and the sibling names it."""
        if site.account.images.digest(self.repository, self.tag) is None:
            raise ChangeFailed(f"the build ended well, but the registry has no {self.repository}:{self.tag}")
        self.sibling.verify(site)

    def revert(self, site: Site) -> None:
        """Deregister the sibling and delete the tag."""
        self.sibling.deregister(site)
        site.account.images.delete_tag(self.repository, self.tag)


def pin_image(case: Case) -> Revision:
    """Plan to run the image of the last success, or the declared last good tag.

    Raises:
        Proposed: The target does not allow it.
        Refused: No good image is known that is still there.
    """
    source = case.site.target.image
    if source is None:
        raise Refused("the target declares no image ([image])")
    failing = _failing_image(case)
    for candidate in _good_images(case, failing):
        image = parse_image(candidate)
        if image.repository == source.repository and image.tag and _exists(case.site, image.repository, image.tag):
            made = _sibling(case, failing, candidate, "pin")
            change = Revision(
                kind="pin_image",
                sibling=made,
                summary=f"run the last good image {_tag(candidate)} through job definition {made.name}",
                permanent=f"Register a revision of {case.site.target.job.definition} with image {candidate}.",
                level=remedy_facts()["pin_image"].level,
            )
            if not case.site.target.guardrails.image.pin:
                raise Proposed("the target does not allow pinning an image (guardrails.image.pin)", change)
            return change
    raise Refused(f"no earlier good image of {source.repository} is known and still in the registry")


def rebuild_image(case: Case) -> RebuildImage:
    """Plan to build an image that is gone anew, under a tag of its own."""
    source = case.site.target.image
    if source is None or not (source.build or source.codebuild) or not case.site.target.guardrails.image.rebuild:
        raise Refused("the target declares no build, or does not allow it ([image] build, guardrails.image.rebuild)")
    if case.diagnosis.cause is not Cause.IMAGE_NOT_FOUND:
        builder = source.codebuild or shlex.join(source.build)
        raise Refused(f"the same sources would make the same image: mend them, then run `{builder}`")
    failing = _failing_image(case)
    tag = f"{_tag(failing)}-recloser-{case.incident.incident_id}"
    after = f"{failing.removesuffix(':' + _tag(failing))}:{tag}"
    return RebuildImage(
        sibling=_sibling(case, failing, after, "rebuild"),
        repository=source.repository,
        tag=tag,
        command=tuple(word.replace("{tag}", tag) for word in source.build),
        project=source.codebuild,
    )


def _failing_image(case: Case) -> str:
    image = case.evidence.job.image
    source = case.site.target.image
    if image is None or source is None or parse_image(image).repository != source.repository:
        raise Refused(f"the failing image {image} is not of the declared repository")
    if parse_image(image).digest is not None:
        raise Refused(f"the image {image} is named by digest; there is no tag to replace")
    return image


def _good_images(case: Case, failing: str) -> list[str]:
    """Candidates, most trusted first: of the last success, then as declared; never the failing one."""
    source = case.site.target.image
    declared = (
        f"{failing.removesuffix(':' + _tag(failing))}:{source.last_good}" if source and source.last_good else None
    )
    remembered = case.last_success.image if case.last_success else None
    return [image for image in (remembered, declared) if image and image != failing]


def _exists(site: Site, repository: str, tag: str) -> bool:
    return site.account.images.digest(repository, tag) is not None


def _tag(image: str) -> str:
    return parse_image(image).tag or "latest"


def _sibling(case: Case, before: str, after: str, why: str) -> Sibling:
    edits = ContainerEdits(image=after)
    return sibling(case, f"{why}_image", why, edits, before=(f"image: {before}",), after=(f"image: {after}",))


def _build(command: tuple[str, ...], site: Site) -> None:
    try:
        ended = subprocess.run(
            command,
            cwd=site.target.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_BUILD_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ChangeFailed(f"the declared build {command[0]!r} did not run: {error}") from error
    if ended.returncode != 0:
        last = site.redact(ended.stdout.strip()[-500:])
        raise ChangeFailed(f"the declared build {command[0]!r} ended with {ended.returncode}: {last}")
