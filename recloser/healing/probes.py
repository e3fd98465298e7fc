"""Read-only questions to the account that confirm or refute what a text suggests.

A probe is a function of the match and the evidence. It may add facts that remedies need. One that cannot be made
says so: an unchecked diagnosis is believed less, and the report names the gap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING

from pydantic import Field

from recloser.aws import AwsError, parse_image
from recloser.healing.denials import denials, listed
from recloser.healing.signatures import texts
from recloser.values import Evidence, Value

if TYPE_CHECKING:
    from recloser.diagnosis import Match
    from recloser.healing.site import Site
    from recloser.target import InputFile


class Finding(Enum):
    """What a probe says of a diagnosis."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    OPEN = "open"
    """The account neither confirms nor refutes it."""
    NOT_CHECKED = "not checked"


class Probed(Value):
    """A probe's answer."""

    finding: Finding
    said: str
    """One sentence, shown as evidence, as the reason for ruling out, or as a gap."""
    facts: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


Probe = Callable[["Site", "Match", Evidence], Probed]


def ask(name: str, site: Site, match: Match, evidence: Evidence) -> Probed:
    """Make one probe; an account that does not answer is a gap, not a failure."""
    try:
        return PROBES[name](site, match, evidence)
    except AwsError as error:
        return Probed(finding=Finding.NOT_CHECKED, said=f"{name}: {error}")


def variable_unset(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Was the variable really absent from the container's environment?"""
    del site
    named = match.captures.get("variable", ())
    unset = tuple(name for name in named if name not in evidence.job.environment)
    if unset:
        said = f"the container's environment as Batch describes it does not hold {', '.join(unset)}"
        return Probed(finding=Finding.CONFIRMED, said=said, facts={"variable": unset})
    said = f"Batch describes {', '.join(named)} as set in this container, so it was set when the program started"
    return Probed(finding=Finding.REFUTED, said=said)


def image_absent(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Does the registry know the tag?"""
    del match
    if evidence.job.image is None:
        return Probed(finding=Finding.NOT_CHECKED, said="Batch does not say which image the job uses")
    image = parse_image(evidence.job.image)
    facts = {"repository": (image.repository,), "tag": (image.tag or "latest",), "image": (evidence.job.image,)}
    digest = site.account.images.digest(image.repository, image.tag or "latest")
    if digest is None:
        said = f"the registry has no tag {image.tag or 'latest'} in {image.repository}"
        return Probed(finding=Finding.CONFIRMED, said=said, facts=facts)
    said = f"the registry still lists {image.repository}:{image.tag} as {digest[:19]}, but it cannot be pulled"
    return Probed(finding=Finding.OPEN, said=said, facts=facts)


def role_denied(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Do the job role's own policies lack the action on the resource?"""
    del match
    refused = denials(texts(evidence, "log"), account_id=site.account.account_id, region=site.account.region)
    named = tuple(denial for denial in refused if denial.resource)
    facts = {"denied": (listed(refused),)}
    role = evidence.job.job_role_arn
    if not named:
        return Probed(finding=Finding.NOT_CHECKED, said="the log does not name the resource of the call", facts=facts)
    if role is None:
        return Probed(finding=Finding.NOT_CHECKED, said="the job has no job role", facts=facts)
    try:
        lacking = tuple(d for d in named if not site.account.iam.allows(role, d.action, d.resource or ""))
    except AwsError as error:
        return Probed(finding=Finding.NOT_CHECKED, said=f"the role's policies: {error}", facts=facts)
    if lacking:
        said = f"simulated, the policies of {role.rsplit('/', 1)[-1]} do not allow {listed(lacking)}"
        return Probed(finding=Finding.CONFIRMED, said=said, facts=facts)
    said = "simulated, the role's own policies allow the call: a resource policy, a boundary or other keys deny it"
    return Probed(finding=Finding.OPEN, said=said, facts=facts)


def input_absent(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Which declared inputs are missing?"""
    del match, evidence
    missing = tuple(item.uri for item in site.target.inputs if site.account.objects.head(item.uri) is None)
    return _about_inputs(missing, "does not exist", "every declared input exists")


def input_empty(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Which declared inputs hold nothing?"""
    del match, evidence
    empty = tuple(item.uri for item in site.target.inputs if _is_empty(site, item))
    return _about_inputs(empty, "has no bytes", "no declared input is empty")


def _is_empty(site: Site, item: InputFile) -> bool:
    found = site.account.objects.head(item.uri)
    return found is not None and found.size_bytes == 0


def _about_inputs(uris: tuple[str, ...], what: str, otherwise: str) -> Probed:
    if uris:
        said = "; ".join(f"{uri} {what}" for uri in uris)
        return Probed(finding=Finding.CONFIRMED, said=said, facts={"input": uris})
    return Probed(finding=Finding.OPEN, said=f"{otherwise}: the job reads something that is not declared")


PROBES: Mapping[str, Probe] = {
    probe.__name__: probe for probe in (variable_unset, image_absent, role_denied, input_absent, input_empty)
}
