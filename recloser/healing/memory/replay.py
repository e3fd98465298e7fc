"""Diagnose the kept evidence of a past incident again, with today's signatures and labels, and without an account."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

from recloser.aws import Unreachable
from recloser.diagnosis import fingerprint as fingerprint_of
from recloser.healing.diagnosis import diagnose
from recloser.healing.memory.failures import mould_of
from recloser.healing.memory.recognition import recognise
from recloser.healing.site import Site
from recloser.target import Target
from recloser.values import Diagnosis, Evidence, Value

if TYPE_CHECKING:
    from recloser.aws import Account
    from recloser.store import Store

_COMPARED = ("cause", "subject", "signature", "confidence", "summary", "remedies")


class Replayed(Value):
    """One attempt's diagnosis, as it was and as it is now."""

    attempt: int
    before: Diagnosis | None
    now: Diagnosis

    @property
    def differences(self) -> tuple[tuple[str, str, str], ...]:
        """Field, what it was, what it is; the most telling first, empty where nothing has changed."""
        return tuple(
            (name, was, now)
            for name in _COMPARED
            if (was := _word(self.before, name)) != (now := _word(self.now, name))
        )


class _NoAccount:
    """Whatever a probe asks, there is nobody to answer: it is reported as not checked."""

    def __getattr__(self, name: str) -> NoReturn:
        raise Unreachable("a replay asks no account", service="account", operation=name)


def replay(store: Store, incident_id: str, target: Target | None = None) -> tuple[Replayed, ...]:
    """Diagnose an incident's failures again.

    Args:
        store: Where its evidence is kept.
        incident_id: Its id, or a beginning of it that no other shares.
        target: Its declaration, if that is at hand; probes that look there can be made.

    Returns:
        One for each attempt whose evidence was kept, by number.

    Raises:
        StoreError: There is no such incident.
    """
    incident = store.incident(incident_id)
    diagnosed = {attempt.number: attempt.diagnosis for attempt in incident.attempts}
    return tuple(
        Replayed(attempt=number, before=diagnosed.get(number), now=_today(store, evidence, target, incident.target))
        for number, evidence in store.memory.evidence(incident.incident_id).items()
    )


def _today(store: Store, evidence: Evidence, target: Target | None, name: str) -> Diagnosis:
    site = Site(target=target or _undeclared(name, evidence), account=cast("Account", _NoAccount()))
    own = diagnose(site, evidence)
    return recognise(store.memory, own, fingerprint_of(evidence), mould_of(evidence))


def _undeclared(name: str, evidence: Evidence) -> Target:
    """A target of which nothing is known but what its job shows."""
    job = {"queue": evidence.job.queue, "definition": evidence.job.definition_arn, "role": "unknown"}
    return Target.model_validate({"name": name, "folder": Path(), "job": job})


def _word(diagnosis: Diagnosis | None, name: str) -> str:
    if diagnosis is None:
        return ""
    value = getattr(diagnosis, name)
    return ", ".join(value) if isinstance(value, tuple) else str(value)
