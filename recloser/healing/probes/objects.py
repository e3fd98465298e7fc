"""Which objects in S3 are there? Asked with our own identity, which may know better than the one that was refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recloser.aws import AwsError
from recloser.healing.denials import object_uris
from recloser.healing.probes.answer import Probed, confirmed, refuted, undecided

if TYPE_CHECKING:
    from recloser.diagnosis import Match
    from recloser.healing.site import Site
    from recloser.target import InputFile
    from recloser.values import Evidence

_READS = re.compile(r"HeadObject|GetObject")
_HEADS = re.compile(r"HeadObject")


def object_absent(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Was it refused, or is it only not there? S3 says 403 of an absent key to who may not list the bucket."""
    reads = [line for _, line in match.found if _READS.search(line)]
    uris = object_uris(reads)
    if not uris and any(map(_HEADS.search, reads)):  # the SDK's line names no key: what the target declares is asked
        uris = tuple(item.uri for item in site.target.inputs)
    absent = tuple(uri for uri in uris if site.account.objects.head(uri) is None)
    if not absent:
        return undecided(f"{', '.join(uris)}: it exists" if uris else "")
    if not _may_read(site, evidence, absent):
        return undecided(f"{', '.join(absent)} does not exist, and the job role may not read it either")
    said = f"{', '.join(absent)} does not exist: S3 says 403 of that to who may not list the bucket"
    return refuted(said, instead="S103", input=absent)


def input_absent(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Which declared inputs, or objects that the log names, are missing?"""
    del evidence
    declared = tuple(item.uri for item in site.target.inputs)
    named = tuple(uri for uri in object_uris(line for _, line in match.found) if uri not in declared)
    missing = tuple(uri for uri in declared if site.account.objects.head(uri) is None)
    return _about_inputs((*missing, *_gone(site, named)), "does not exist", "every declared input exists")


def input_empty(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Which declared inputs hold nothing?"""
    del match, evidence
    empty = tuple(item.uri for item in site.target.inputs if _is_empty(site, item))
    return _about_inputs(empty, "has no bytes", "no declared input is empty")


def _gone(site: Site, uris: tuple[str, ...]) -> tuple[str, ...]:
    """Those of them that do not exist; what we may not look at is left out."""
    found = []
    for uri in uris:
        try:
            if site.account.objects.head(uri) is None:
                found.append(uri)
        except AwsError:
            continue
    return tuple(found)


def _may_read(site: Site, evidence: Evidence, uris: tuple[str, ...]) -> bool:
    role = evidence.job.job_role_arn
    arns = [f"arn:aws:s3:::{uri.removeprefix('s3://')}" for uri in uris]
    return role is None or all(site.account.iam.allows(role, "s3:GetObject", arn) for arn in arns)


def _is_empty(site: Site, item: InputFile) -> bool:
    found = site.account.objects.head(item.uri)
    return found is not None and found.size_bytes == 0


def _about_inputs(uris: tuple[str, ...], what: str, otherwise: str) -> Probed:
    if uris:
        return confirmed("; ".join(f"{uri} {what}" for uri in uris), input=uris)
    return undecided(f"{otherwise}: the job reads something that is not declared")
