"""Find signatures in symptoms: cheap words first, then phrases and patterns on the few lines that hold them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from recloser.diagnosis.phrases import Phrase, flat, phrase
from recloser.diagnosis.signature import ORDER, Signature, Step, Where, regex

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Mapping, Sequence

    from recloser.diagnosis.symptoms import Symptoms

HITS = 40
"""Lines on which one phrase or pattern is tried at most: the last ones that hold its words, and the first."""
PATTERN_LIMIT = 2_000
"""Characters of a line that a regular expression is tried on."""
_NO_DIGITS = str.maketrans("", "", "0123456789")
_KEPT_INDICES = 8
_KEPT_REASONS = 1_000
_STOPPED = ("a request to Batch stopped the job",)
_REASONS: tuple[Where, ...] = ("status_reason", "container_reason")


class Text:
    """The lines of one field, prepared for many lookups.

    Lines that differ in digits only count as one, of which the first and the last are looked at: a log is mostly
    the same few lines, and none of them may push the telling one out.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        """Take lines as `Symptoms` gives them."""
        self.lines = tuple(lines)

    @cached_property
    def _kept(self) -> tuple[int, ...]:
        first: dict[str, int] = {}
        last: dict[str, int] = {}
        for index, line in enumerate(self.lines):
            kind = line.translate(_NO_DIGITS)
            first.setdefault(kind, index)
            last[kind] = index
        return tuple(sorted({*first.values(), *last.values()}))

    @cached_property
    def _flat(self) -> dict[int, str]:
        return {index: flat(self.lines[index]) for index in self._kept}

    @cached_property
    def _joined(self) -> str:
        return "\n".join(self._flat.values())

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((len(line) + 1 for line in self._flat.values()), initial=0))

    @cached_property
    def vocabulary(self) -> str:
        """Every word of the lines once."""
        return " ".join(set(self._joined.split()))

    def may_hold(self, word: str) -> bool:
        """Whether a lower-case word occurs anywhere."""
        return word in self.vocabulary

    def holding(self, word: str) -> list[int]:
        """Lines with the word, ascending: the last `HITS`, and the first."""
        if not self.may_hold(word):
            return []
        found: list[int] = []
        end = len(self._joined)
        while len(found) < HITS and (at := self._joined.rfind(word, 0, end)) >= 0:
            nth = bisect_right(self._starts, at) - 1
            found.append(nth)
            end = self._starts[nth]
        first = bisect_right(self._starts, self._joined.find(word)) - 1
        return [self._kept[nth] for nth in sorted({first, *found})]

    def with_phrase(self, sought: Phrase) -> list[int]:
        """Lines with the phrase."""
        vocabulary = self.vocabulary
        for word in sought.words:
            if word not in vocabulary:
                return []
        return [index for index in self.holding(sought.rarest) if sought.within(self._flat[index])]

    def holds(self, index: int, sought: Phrase) -> bool:
        """Whether one of the lines that are looked at holds the phrase."""
        return sought.within(self._flat[index])

    @property
    def every(self) -> tuple[int, ...]:
        """The lines that are looked at."""
        return self._kept


class Index:
    """Which signatures a text can match at all, by the words it holds."""

    def __init__(self, signatures: Sequence[Signature]) -> None:
        """Take signatures in order of precedence."""
        self.signatures = tuple(signatures)
        self._by_word: dict[Where, dict[str, list[int]]] = {}
        self._always: dict[Where, list[int]] = {}
        self._known: dict[tuple[Where, str], frozenset[int]] = {}
        for number, signature in enumerate(self.signatures):
            words = {phrase(wording).rarest for wording in signature.any} | {word.lower() for word in signature.words}
            if not words or (signature.pattern and not signature.words):
                for where in signature.where:
                    self._always.setdefault(where, []).append(number)
            for where in signature.where:
                for word in words:
                    self._by_word.setdefault(where, {}).setdefault(word, []).append(number)

    def possible(self, where: Where, text: Text) -> frozenset[int]:
        """Numbers of the signatures that may match; a reason that comes again and again is looked up once."""
        if not text.lines:
            return frozenset()
        key = (where, text.lines[0]) if len(text.lines) == 1 else None
        known = None if key is None else self._known.get(key)
        if known is not None:
            return known
        vocabulary = text.vocabulary
        found = set(self._always.get(where, ()))
        for word, numbers in self._by_word.get(where, {}).items():
            if word in vocabulary:
                found.update(numbers)
        if key is not None:
            if len(self._known) >= _KEPT_REASONS:
                self._known.clear()
            self._known[key] = frozenset(found)
        return frozenset(found)


_INDICES: dict[int, Index] = {}


def _index_of(signatures: Sequence[Signature]) -> Index:
    """The index of these signatures; that of the last few is kept, for the same tuple comes again and again."""
    known = _INDICES.get(id(signatures))
    if known is None or known.signatures is not signatures:
        if len(_INDICES) >= _KEPT_INDICES:
            _INDICES.clear()
        known = _INDICES[id(signatures)] = Index(signatures)
    return known


@dataclass(frozen=True)
class Match:
    """A signature found in the symptoms."""

    signature: Signature
    field: Where
    found: tuple[tuple[int, str], ...]
    """Line numbers and lines that match, in the order of the field."""

    @property
    def position(self) -> int:
        """Where the last matching line stands."""
        return self.found[-1][0]

    @property
    def step(self) -> Step:
        """Its place in the order of evidence; what a log says of an earlier step is the log's word."""
        return Step.LOG if self.field == "log" else self.signature.step

    @cached_property
    def captures(self) -> Mapping[str, tuple[str, ...]]:
        """Every named value of the matching lines, each once; `name2` is another place where `name` may stand."""
        values: dict[str, dict[str, None]] = {}
        patterns = (*self.signature.capture, *((self.signature.pattern,) if self.signature.pattern else ()))
        for _, line in self.found:
            for pattern in patterns:
                for hit in regex(pattern).finditer(line[:PATTERN_LIMIT]):
                    for name, value in hit.groupdict().items():
                        if value:
                            values.setdefault(name.rstrip("0123456789"), {})[value] = None
        return {name: tuple(named) for name, named in values.items()}


def matches(symptoms: Symptoms, signatures: Sequence[Signature]) -> tuple[Match, ...]:
    """Every signature that the symptoms show, by step and then in the order of the catalogue."""
    texts: dict[Where, Text] = {
        "status_reason": Text(symptoms.status_lines),
        "container_reason": Text(symptoms.container_lines),
        "log": Text(symptoms.log_lines),
        "outputs": Text(symptoms.outputs),
        "stopped": Text((symptoms.status_lines or _STOPPED) if symptoms.stopped else ()),
        "exit_code": Text(() if symptoms.exit_code is None else (str(symptoms.exit_code),)),
    }
    index = _index_of(signatures)
    possible = {where: index.possible(where, text) for where, text in texts.items()}
    found = [
        match
        for number in sorted(frozenset().union(*possible.values()))
        for match in _matches(index.signatures[number], texts, possible, number, symptoms.exit_code)
    ]
    return tuple(sorted(found, key=lambda match: ORDER[match.step]))


def _matches(
    signature: Signature,
    texts: Mapping[Where, Text],
    possible: Mapping[Where, frozenset[int]],
    number: int,
    exit_code: int | None,
) -> Iterator[Match]:
    if signature.exit_codes and exit_code not in signature.exit_codes:
        return
    for field in signature.where:
        text = texts[field]
        if number in possible[field] and (indices := _lines(signature, text)) and _context_fits(signature, text):
            yield Match(signature, field, tuple((index, text.lines[index]) for index in indices))
            if field in _REASONS:
                return


def _lines(signature: Signature, text: Text) -> list[int]:
    found = {index for wording in signature.any for index in text.with_phrase(phrase(wording))}
    if signature.pattern is not None:
        found.update(_with_pattern(regex(signature.pattern), _candidates(signature, text), text))
    elif not signature.any:
        found.update(text.every)
    refused = tuple(map(phrase, signature.unless)) if found else ()
    return sorted(index for index in found if not any(text.holds(index, words) for words in refused))


def _candidates(signature: Signature, text: Text) -> list[int]:
    if not signature.words:
        return list(text.every)
    return sorted({index for word in signature.words for index in text.holding(word.lower())})


def _with_pattern(pattern: re.Pattern[str], candidates: list[int], text: Text) -> Iterator[int]:
    for index in candidates:
        line = text.lines[index]
        if pattern.search(line[:PATTERN_LIMIT]) or (
            len(line) > PATTERN_LIMIT and pattern.search(line[-PATTERN_LIMIT:])
        ):
            yield index


def _context_fits(signature: Signature, text: Text) -> bool:
    return all(text.with_phrase(phrase(needed)) for needed in signature.needs)
