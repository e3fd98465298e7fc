"""One failed attempt of a target in the fake account, ready to be treated."""

from pathlib import Path
from typing import Any

from recloser.healing.diagnosis import diagnose
from recloser.healing.remedies import REMEDIES, Case, Change, restore_change
from recloser.values import AttemptRecord, Cause, Diagnosis, Evidence, FixMode, Incident, JobSpec, utc_now
from tests.unit.healing.fakes import FakeAccount, a_site, a_target


def named(cause: Cause, **facts: tuple[str, ...]) -> Diagnosis:
    """A diagnosis of this cause."""
    return Diagnosis(cause=cause, signature="test", summary=str(cause), confidence=0.9, facts=facts)


class Bench:
    """One failed attempt of a target, ready to be treated."""

    def __init__(self, folder: Path, evidence: Evidence, **tables: Any) -> None:
        self.account = FakeAccount()
        self.site = a_site(a_target(folder, **tables), self.account)
        self.evidence = evidence
        self.last_success: AttemptRecord | None = None
        self.seen = 1
        self.incident = Incident(
            incident_id="20260101-000000-abcd",
            target="optimo",
            fix_mode=FixMode.AUTO,
            iterations=5,
            opened_at=utc_now(),
        )
        self.spec = JobSpec(name="optimo-1", queue="optimo", definition="optimo")

    def plan(self, remedy: str, cause: Cause | None = None, **facts: tuple[str, ...]) -> Change:
        """Plan one remedy, stored and read back as it would be after a kill.

        Args:
            remedy: Its name.
            cause: The diagnosis, where the evidence's own is not what the test is about.
            facts: What the diagnosis captured.
        """
        given = None if cause is None else named(cause, **facts)
        case = Case(
            site=self.site,
            incident=self.incident,
            spec=self.spec,
            evidence=self.evidence,
            diagnosis=given or diagnose(self.site, self.evidence),
            last_success=self.last_success,
            seen=self.seen,
        )
        change = REMEDIES[remedy](case)
        again = restore_change(change.model_dump(mode="json"))
        assert again == change
        return again
