"""Does the registry have what the job definition names, and for the host's architecture?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.aws import is_region, parse_image
from recloser.healing.probes.answer import Probed, confirmed, not_checked, refuted, undecided
from recloser.values import Platform

if TYPE_CHECKING:
    from recloser.aws import ImageReference
    from recloser.diagnosis import Match
    from recloser.healing.site import Site
    from recloser.values import Evidence

_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".on.aws")
_UNNAMED = "Batch does not say which image the job uses"


def image_absent(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Does the registry know the tag or the digest?"""
    del match
    if evidence.job.image is None:
        return not_checked(_UNNAMED)
    image = _taken_apart(evidence.job.image)
    if image is None:
        return confirmed(f"{evidence.job.image} is not the name of an image", image=(evidence.job.image,))
    named = image.digest or image.tag or "latest"
    facts = {"repository": (image.repository,), "tag": (image.tag or "latest",), "image": (evidence.job.image,)}
    if not _is_ours(site, image):
        return not_checked(f"whether {image.registry or 'Docker Hub'} has {image.repository}:{named}", **facts)
    digest = site.account.images.digest(image.repository, named)
    if digest is None:
        kind = "digest" if image.digest else "tag"
        return confirmed(f"the registry has no {kind} {named} in {image.repository}", **facts)
    said = f"the registry still lists {image.repository}:{named} as {digest[:19]}, but it cannot be pulled"
    return undecided(said, **facts)


def registry_host_wrong(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Is the registry's host no ECR host at all, or one of a region that does not exist?"""
    del site, match
    if evidence.job.image is None:
        return not_checked(_UNNAMED)
    image = _taken_apart(evidence.job.image)
    if image is None or image.registry is None:
        return undecided()
    if image.account is None or not image.registry.endswith(_DOMAINS):
        near = "amazonaws" in image.registry
        said = f"{image.registry} is no host of ECR: ACCOUNT.dkr.ecr.REGION.amazonaws.com"
        return confirmed(said) if near else not_checked(f"whether {image.registry} is the name of a registry")
    if not is_region(image.region or ""):
        return confirmed(f"{image.registry}: there is no region {image.region}")
    said = f"{image.registry} is a well-formed host of ECR in {image.region}: its name could not be resolved"
    return refuted(said, instead="S053-valid-host")


def platform_lacking(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Has the image no variant for the architecture the job runs on?"""
    del match
    job = evidence.job
    if job.image is None:
        return not_checked(_UNNAMED)
    image = _taken_apart(job.image)
    if image is None or not _is_ours(site, image):
        return not_checked(f"for which architectures {job.image} is built: its registry is not this account's")
    built = site.account.images.architectures(image.repository, image.digest or image.tag or "latest")
    if not built:
        return not_checked(f"for which architecture {image.repository} is built: its manifest does not say")
    if job.platform is not Platform.FARGATE and job.cpu_architecture is None:
        return not_checked(f"the architecture of the host; the image is built for {', '.join(built)}")
    wanted = {"X86_64": "amd64", "ARM64": "arm64"}.get(job.cpu_architecture or "X86_64", "")
    if wanted not in built:
        return confirmed(f"the image is built for {', '.join(built)}, and the job runs on {wanted}")
    said = f"the image is built for {wanted}, on which the job runs: the file itself is no executable"
    return refuted(said, instead="S059")


def _taken_apart(image: str) -> ImageReference | None:
    try:
        return parse_image(image)
    except ValueError:
        return None


def _is_ours(site: Site, image: ImageReference) -> bool:
    """Whether it lies in this account's registry, in this region: the only one that can be asked."""
    return (image.account, image.region) == (site.account.account_id, site.account.region)
