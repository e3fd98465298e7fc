"""Help for those who add a signature: do its examples hold, and which known signature gets there first?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recloser.diagnosis.catalogue import catalogue
from recloser.diagnosis.matching import matches
from recloser.diagnosis.ranking import rank
from recloser.diagnosis.signature import regex
from recloser.diagnosis.symptoms import Symptoms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.diagnosis.signature import Signature, Where


@dataclass(frozen=True, slots=True)
class Problem:
    """Something its author should know."""

    signature: str
    said: str
    fatal: bool
    """An error; otherwise a note."""


def find_signature(name: str) -> Signature | None:
    """The signature of an id, whatever its case; `S093` finds `S093` before `S093-region`."""
    return next((known for known in catalogue() if known.id.lower() == name.strip().lower()), None)


def review(signature: Signature) -> Iterator[Problem]:
    """Check one signature against its own examples and against the catalogue."""
    for pattern in (signature.pattern, *signature.capture):
        if pattern is not None and (said := _not_a_pattern(pattern)):
            yield Problem(signature.id, said, fatal=True)
            return
    if find_signature(signature.id) is not None:
        yield Problem(signature.id, "this id is taken by a signature of the catalogue", fatal=False)
    if signature.pattern and not signature.words:
        yield Problem(signature.id, "without `words` its pattern is tried on every line: slow", fatal=False)
    if not signature.examples and (signature.any or signature.pattern):
        yield Problem(signature.id, "it has no examples, so nothing shows that it works", fatal=False)
    yield from _against_texts(signature)


def _not_a_pattern(text: str) -> str | None:
    try:
        regex(text)
    except ValueError as error:
        return str(error)
    return None


def _against_texts(signature: Signature) -> Iterator[Problem]:
    where = signature.where[0]
    for example in signature.examples:
        symptoms = symptoms_in(where, example, signature.exit_codes)
        if not matches(symptoms, (signature,)):
            yield Problem(signature.id, f"it does not match its example {example[:120]!r}", fatal=True)
        elif (shadow := _shadow(signature, symptoms)) is not None:
            said = f"of its example {example[:80]!r} the catalogue's {shadow.id} already says {shadow.cause}"
            yield Problem(signature.id, said, fatal=False)
    for example in signature.counter_examples:
        if matches(symptoms_in(where, example, signature.exit_codes), (signature,)):
            yield Problem(signature.id, f"it matches its counter-example {example[:120]!r}", fatal=True)


def _shadow(signature: Signature, symptoms: Symptoms) -> Signature | None:
    others = [known for known in catalogue() if known.id != signature.id]
    first = next(iter(rank(matches(symptoms, (signature, *others)), symptoms)), None)
    return None if first is None or first.match.signature is signature else first.match.signature


def symptoms_in(where: Where, text: str, exit_codes: tuple[int, ...] = ()) -> Symptoms:
    """Symptoms that show one text in one field."""
    exit_code = exit_codes[0] if exit_codes else None
    match where:
        case "status_reason":
            return Symptoms(status_reason=text, exit_code=exit_code)
        case "container_reason":
            return Symptoms(container_reason=text, exit_code=exit_code)
        case "outputs":
            return Symptoms(outputs=(text,), exit_code=0)
        case "stopped":
            return Symptoms(stopped=True, exit_code=exit_code)
        case _:
            return Symptoms(log=tuple(text.splitlines()), exit_code=exit_code)
