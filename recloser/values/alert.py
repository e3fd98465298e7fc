"""What a person is told of a cycle: findings, the alerts they become, and who asked for silence."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from recloser.values.base import Value
from recloser.values.cycle import CycleVerdict


class Severity(StrEnum):
    """How soon a person should look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the mildest."""
        return list(Severity).index(self)

    def worse(self) -> "Severity":
        """The next one up; critical stays."""
        return list(Severity)[min(self.rank + 1, len(Severity) - 1)]


class FindingKind(StrEnum):
    """What was found."""

    SERVICE_DOWN = "service-down"
    FAILURE_RATE = "failure-rate"
    """More of the judged tests failed than is allowed."""
    MANY_NEW = "many-new"
    """More of the judged tests fail anew, confirmed, than is allowed."""
    STORM = "storm"
    """So much broke at once that it is taken for one incident."""
    NEW_FAILURE = "new-failure"
    FLAKY = "flaky"
    PERFORMANCE = "performance"
    DATA_INVALID = "data-invalid"
    """A data set did not pass its validation gate."""
    NOT_VERIFIED = "not-verified"
    """Something that was to be judged could not be."""
    QUARANTINE_EXPIRED = "quarantine-expired"
    """A test blocks again, because nobody has looked at its entry in time."""
    HEARTBEAT = "heartbeat"
    """No cycle left a result by the time one is expected."""


class Finding(Value):
    """One problem a cycle found; every text in it may be hostile and is redacted before it is kept."""

    kind: FindingKind
    fingerprint: str = Field(max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/+=-]*$")
    """The same problem has the same one in every cycle; it is the key in all channels."""
    title: str
    text: str = ""
    severity: Severity | None = None
    """None leaves it to the rules of the target."""
    tests: int = Field(default=1, ge=1)
    """How many tests it speaks of."""
    confirmed: bool = True
    """Of a new failure: a rerun failed as well."""
    owner: str = ""
    since: str = ""
    """Cycle in which it was first seen, without interruption."""
    scope: str = ""
    """What has to be judged again before its absence means that it is over: `suite/unit`, `service/api`, `data/small`;
    empty: any cycle that could be judged."""
    cause: str = ""
    """Fingerprint of the finding that explains this one; while that one lasts, nothing is told of this one."""
    members: tuple[str, ...] = ()
    """Fingerprints of what it sums up; it lasts as long as one of them."""
    evidence: tuple[str, ...] = ()
    """Lines, the telling ones first."""
    reproduce: str = ""
    """Command that shows it."""
    environment: str = ""
    suspects: tuple[str, ...] = ()
    """Changes that may have caused it, the likeliest first."""


class CycleFacts(Value):
    """What the rules are applied to."""

    cycle_id: str
    """Sorts by time."""
    target: str
    at: datetime
    """When its verdict was known."""
    verdict: CycleVerdict
    findings: tuple[Finding, ...] = ()
    failed: int = Field(default=0, ge=0)
    judged: int = Field(default=0, ge=0)
    """Tests that passed or failed."""
    storm: str = ""
    """Why the analysis took what broke for one incident; empty where it did not."""
    verified: frozenset[str] = frozenset()
    """Scopes that were judged: only there does the absence of a finding mean anything."""
    report: str = ""
    """Where its page is: a path or a URL."""


class Alert(Value):
    """A finding over the cycles: whether it lasts, and what was told of it where."""

    target: str
    fingerprint: str
    finding: Finding
    """As it was seen last."""
    firing: bool
    opened_at: datetime
    """When it last began."""
    opened_in: str
    """Cycle in which it last began."""
    changed_at: datetime
    """When it last began or ended."""
    nights: int = Field(default=1, ge=1)
    """Cycles that saw it since it last began."""
    last_cycle: str
    """Newest cycle that was applied to it, so that none is applied twice."""
    seen_in: str
    """Newest cycle that saw it."""
    changes: tuple[datetime, ...] = ()
    """When it began or ended, within the window in which flapping is counted."""
    held: bool = False
    """It flaps: nothing is told of it until it is calm."""
    told: dict[str, Severity] = Field(default_factory=dict)
    """Channels that take it for firing, each with the severity it was told."""
    threads: dict[str, str] = Field(default_factory=dict)
    """Channel → key of the message that all later ones about it answer."""


class Silence(Value):
    """Somebody asked not to be told of a fingerprint for a while."""

    fingerprint: str
    until: datetime
    why: str
    who: str
    at: datetime
