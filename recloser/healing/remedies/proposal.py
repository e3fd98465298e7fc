"""What only a person may do, worded with what is known of the job; nothing is ever written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from recloser.aws import parse_image
from recloser.healing.errors import ChangeFailed, Proposed, Refused
from recloser.healing.remedies.catalogue import proposal_facts
from recloser.healing.remedies.change import Wording
from recloser.values import AutonomyLevel, JobSpec, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Never

    from recloser.healing.remedies.change import Case
    from recloser.healing.site import Site

_UNKNOWN = "—"


class Proposal(Value):
    """A change for a person to make."""

    kind: Literal["proposal"] = "proposal"
    remedy: str
    level: AutonomyLevel
    summary: str
    diff: str
    undo: str
    steps: int = 1
    settle_s: float = 0

    def wording(self, site: Site) -> Wording:
        """The words, without the target's secrets."""
        return Wording(
            summary=site.redact(self.summary),
            diff=site.redact(self.diff),
            permanent="It is for a person to do; once done, it is permanent.",
            undo=self.undo,
        )

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """The submission stays as it is."""
        del site
        return spec

    def apply(self, site: Site) -> None:
        """Never done.

        Raises:
            ChangeFailed: Always.
        """
        del site
        raise ChangeFailed(f"{self.remedy} is for a person to do; nothing was written")

    def verify(self, site: Site) -> None:
        """Nothing was written."""

    def revert(self, site: Site) -> None:
        """Nothing was written."""


def propose(remedy: str, reason: str, *, level: AutonomyLevel, summary: str, diff: str, undo: str) -> Never:
    """Refuse to do it, and leave the exact change for a person.

    Raises:
        Proposed: Always.
    """
    raise Proposed(reason, Proposal(remedy=remedy, level=level, summary=summary, diff=diff, undo=undo))


def proposer(remedy: str) -> Callable[[Case], Never]:
    """The remedy that explains itself and writes nothing."""
    facts = proposal_facts()[remedy]

    def explain(case: Case) -> Never:
        known = _known(case)
        summary = facts.summary.format_map(known)
        if facts.level is AutonomyLevel.EXPLAIN:
            raise Refused(summary)
        propose(
            remedy,
            summary,
            level=facts.level,
            summary=summary,
            diff="\n".join(line.format_map(known) for line in facts.change),
            undo=facts.undo,
        )

    return explain


class _Known(dict[str, str]):
    """Placeholders that nothing is known about read as a dash."""

    def __missing__(self, key: str) -> str:
        return _UNKNOWN


def _known(case: Case) -> Mapping[str, str]:
    """What the texts may name. Values are put in once and never read as templates themselves."""
    job = case.evidence.job
    facts = {name: ", ".join(values) for name, values in case.diagnosis.facts.items()}
    return _Known(
        facts
        | {
            "summary": case.diagnosis.summary,
            "job_id": job.job_id,
            "image": job.image or _UNKNOWN,
            "repository": parse_image(job.image).repository if job.image else _UNKNOWN,
            "account": case.site.account.account_id,
            "definition": case.spec.definition,
            "queue": case.spec.queue,
        }
    )
