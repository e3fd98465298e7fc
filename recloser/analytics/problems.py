"""What of a night's failures is one problem: one storm, tests that keep failing together, failures that are alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from recloser.analytics.clusters import LEAST_FAILURES, co_failing
from recloser.analytics.nearness import near_groups
from recloser.analytics.outcomes import AT_BASE, KEYS, codes
from recloser.analytics.storms import calm, storms
from recloser.values import Companion, Problem, ProblemKind, ProblemTest

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from recloser.analytics.cases import Test
    from recloser.analytics.fingerprints import Sighting
    from recloser.values import Storm

    Array = NDArray[Any]

RECENT = 14
"""Nights after which a cluster that was not seen again is over."""
MOST_COMPANIONS = 10
_EXPLAINED = 100
"""Problems, the largest ones, whose companions are looked for."""
_TOGETHER = 2
"""Tests of a cluster that fail in a night in which it is seen."""
_WITH = 0.5
"""Share of a problem's nights in which a companion fails; in the others it fails at most half as often."""


@dataclass(frozen=True, slots=True)
class Failing:
    """A test that failed tonight, as far as it says which problem it is of."""

    suite: str
    test_id: str
    fingerprint: str
    title: str = ""
    where: str = ""
    sighting: Sighting | None = None
    """None where nothing was raised: it is near nothing."""
    lasting: bool = True
    """Whether it failed in the end; what passed when it was run again is a problem only together with others."""

    @property
    def test(self) -> Test:
        """Its name."""
        return self.suite, self.test_id


Label: TypeAlias = "tuple[ProblemKind, Hashable]"
"""Why some failures are one problem, and which."""


def find_problems(outcomes: pd.DataFrame, cycle: str, failing: Sequence[Failing]) -> tuple[Problem, ...]:
    """Put together what is one problem.

    Failures of one fingerprint are one. Those are joined that are part of one storm, most of whose tests are in one
    cluster of tests that keep failing together, or that are near each other. A cluster that was seen of late is told of
    also where none of its tests failed tonight.

    Args:
        outcomes: An outcome frame: earlier cycles, and this one; later ones are left out.
        cycle: The cycle.
        failing: Each test that failed in the cycle's own runs.

    Returns:
        The problems of tonight first, those of most tests first.
    """
    past = _Past.of(outcomes, cycle)
    groups: dict[str, list[Failing]] = defaultdict(list)
    for one in failing:
        groups[one.fingerprint].append(one)
    drafts: dict[Label, list[Failing]] = {(ProblemKind.CO_FAILING, cluster): [] for cluster in past.clusters}
    largest = sorted(groups.values(), key=len, reverse=True)
    for group, label in zip(largest, _labels(largest, past), strict=True):
        drafts.setdefault(label, []).extend(group)
    tonight = frozenset(one.test for one in failing)
    problems = [
        _problem(kind, members, _cluster(kind, name), past, tonight)
        for (kind, name), members in drafts.items()
        if _is_told(members, _cluster(kind, name), past, tonight)
    ]
    kinds = list(ProblemKind)
    problems.sort(key=lambda one: (-one.failed, kinds.index(one.kind), -one.nights, one.fingerprints, one.title))
    return tuple(
        problem.model_copy(update={"companions": tuple(islice(past.companions(problem), MOST_COMPANIONS))})
        for problem in problems[:_EXPLAINED]
    ) + tuple(problems[_EXPLAINED:])


def _labels(groups: Sequence[list[Failing]], past: _Past) -> list[Label]:
    """For each group of one fingerprint, the widest reason to join it with others."""
    labels = [past.label_of(group) for group in groups]
    alone = [at for at, label in enumerate(labels) if label[0] is ProblemKind.EXACT and groups[at][0].sighting]
    near = near_groups([sighting for at in alone if (sighting := groups[at][0].sighting) is not None])
    several = {key for key, count in Counter(near).items() if count > 1}
    for at, key in zip(alone, near, strict=True):
        if key in several:
            labels[at] = (ProblemKind.NEAR, key)
    return labels


def _cluster(kind: ProblemKind, name: Any) -> tuple[Test, ...]:
    return name if kind is ProblemKind.CO_FAILING else ()


def _is_told(members: Sequence[Failing], cluster: tuple[Test, ...], past: _Past, tonight: frozenset[Test]) -> bool:
    """A test that passed when it was run again is no problem by itself, nor is a cluster that is over.

    A cluster whose failures of tonight are part of something larger is told with that.
    """
    if any(one.lasting for one in members):
        return True
    if not cluster:
        return len({one.test for one in members}) > 1
    is_recent = bool(past.seen_together(cluster)[-RECENT:].any())
    return is_recent and (bool(members) or tonight.isdisjoint(cluster))


def _problem(
    kind: ProblemKind,
    members: Sequence[Failing],
    cluster: tuple[Test, ...],
    past: _Past,
    tonight: frozenset[Test],
) -> Problem:
    fingerprints = tuple(dict.fromkeys(one.fingerprint for one in members))
    seen = past.seen_together(cluster) if cluster else past.seen(fingerprints)
    seen[-1] |= bool(members)
    nights = np.flatnonzero(seen)
    tests = sorted({*cluster, *(one.test for one in members)}, key=lambda test: (test not in tonight, test))
    return Problem(
        kind=kind,
        title=members[0].title if members else f"{len(tests)} tests keep failing together",
        where=members[0].where if members else "",
        fingerprints=fingerprints,
        tests=tuple(ProblemTest(suite=test[0], test_id=test[1], failed=test in tonight) for test in tests),
        since=past.cycles[nights[0]],
        last=past.cycles[nights[-1]],
        nights=len(nights),
        looked=len(past.cycles),
    )


@dataclass(frozen=True, slots=True)
class _Past:
    """Which tests failed in which nights, this one last."""

    cycles: Sequence[str]
    tests: Sequence[Test]
    row: dict[Test, int]
    failed: Array
    """One row for each test that ever failed, one column for each night; storms left out."""
    fingerprints: dict[str, Array]
    """In which nights each was seen."""
    clusters: tuple[tuple[Test, ...], ...]
    cluster_of: dict[Test, tuple[Test, ...]]
    storms: tuple[Storm, ...]
    """Of this night."""

    @classmethod
    def of(cls, outcomes: pd.DataFrame, cycle: str) -> _Past:
        """Look back from a night; arguments as of `find_problems`."""
        names = list(outcomes["cycle"].cat.categories)
        cycles = names[: names.index(cycle) + 1]
        outcomes = outcomes[outcomes["cycle"].cat.codes < len(cycles)]
        found = storms(outcomes)
        failures = outcomes[outcomes["failed"] & outcomes["judged"] & ~outcomes["probe"].isin(AT_BASE)]
        steady = calm(failures, found)
        numbers, named = codes(steady, *KEYS)
        tests = [(str(suite), str(test)) for suite, test in named.itertuples(index=False, name=None)]
        row = {test: at for at, test in enumerate(tests)}
        failed = np.zeros((len(tests), len(cycles)), dtype=bool)
        failed[numbers, steady["cycle"].cat.codes.to_numpy()] = True
        clusters = tuple(
            cluster for cluster in co_failing(steady) if _is_no_chance(failed[[row[test] for test in cluster]])
        )
        return cls(
            cycles,
            tests,
            row,
            failed,
            dict(_nights_of(failures, len(cycles))),
            clusters,
            {test: cluster for cluster in clusters for test in cluster},
            tuple(storm for storm in found if storm.cycle == cycle),
        )

    def label_of(self, group: Sequence[Failing]) -> Label:
        """The storm that failures of one fingerprint are part of, the cluster most of their tests are in, or itself."""
        fingerprint = group[0].fingerprint
        for storm in self.storms:
            if storm.fingerprint in {"", fingerprint} and storm.suite in {"", group[0].suite}:
                return ProblemKind.SYSTEMIC, storm
        clusters = Counter(self.cluster_of.get(one.test, ()) for one in group)
        cluster, count = clusters.most_common(1)[0]
        if cluster and 2 * count > len(group):
            return ProblemKind.CO_FAILING, cluster
        return ProblemKind.EXACT, fingerprint

    def seen(self, fingerprints: Sequence[str]) -> Array:
        """In which nights any of these was seen."""
        seen = np.zeros(len(self.cycles), dtype=bool)
        for fingerprint in fingerprints:
            seen |= self.fingerprints.get(fingerprint, False)
        return seen

    def seen_together(self, cluster: Sequence[Test]) -> Array:
        """In which nights several tests of a cluster failed."""
        together: Array = self.failed[[self.row[test] for test in cluster]].sum(axis=0) >= _TOGETHER
        return together

    def companions(self, problem: Problem) -> Iterator[Companion]:
        """Tests that fail mostly when a problem is there, the most faithful first."""
        own = {(test.suite, test.test_id) for test in problem.tests}
        cluster = [test for test in own if test in self.row]
        seen = self.seen(problem.fingerprints)
        if problem.kind is ProblemKind.CO_FAILING:
            seen |= self.seen_together(cluster)
        there, elsewhere = self.failed[:, seen].sum(axis=1), self.failed[:, ~seen].sum(axis=1)
        often = there / max(seen.sum(), 1)
        wanted = (there >= LEAST_FAILURES) & (often >= _WITH) & (2 * elsewhere / max((~seen).sum(), 1) <= often)
        for row in sorted(np.flatnonzero(wanted).tolist(), key=lambda row: (-there[row], self.tests[row])):
            if (test := self.tests[row]) not in own:
                yield Companion(suite=test[0], test_id=test[1], nights=int(there[row]))


def _is_no_chance(failed: Array) -> bool:
    """Whether tests failed together in several nights, and began to more than once or all in one night.

    Two that have been broken for a month fail in nearly the same nights as well, for reasons of their own; and what has
    failed in every night there is fails together with everything.
    """
    together = failed.sum(axis=0) >= _TOGETHER
    if together.sum() < LEAST_FAILURES or failed.all(axis=1).any():
        return False
    onsets = int((together[1:] & ~together[:-1]).sum())
    first = set(failed.argmax(axis=1).tolist())
    return onsets > 1 or (len(first) == 1 and 0 not in first)


def _nights_of(failures: pd.DataFrame, nights: int) -> Iterator[tuple[str, Array]]:
    pairs = failures[["fingerprint", "cycle"]].dropna().drop_duplicates()
    for fingerprint, runs in pairs["cycle"].cat.codes.groupby(pairs["fingerprint"].astype(str)):
        seen = np.zeros(nights, dtype=bool)
        seen[runs.to_numpy()] = True
        yield fingerprint, seen
