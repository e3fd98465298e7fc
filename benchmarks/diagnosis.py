"""How often the diagnosis is right, how often it is confidently wrong, and how fast it is.

    python benchmarks/diagnosis.py --cases dev.jsonl [--cases more.jsonl] [--misses] [--speed]

A case is a line of JSON: `id`, `evidence`, `cause`, `acceptable`, `trap`, `source`. The cases are not part of this
repository; without `--cases` the file that RECLOSER_DIAGNOSIS_CASES names is taken.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recloser.diagnosis import Symptoms, Tier, calibration, catalogue, examine, matches, rank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

VARIABLE = "RECLOSER_DIAGNOSIS_CASES"
MIB = 2**20


@dataclass(frozen=True)
class Case:
    """One labelled failure."""

    id: str
    symptoms: Symptoms
    right: frozenset[str]
    cause: str
    trap: bool
    group: str

    def outcome(self) -> tuple[str, str]:
        """The answer, and whether it is correct, abstained or wrong."""
        answer = str(examine(self.symptoms).cause)
        if answer in self.right:
            return answer, "correct"
        return answer, "abstained" if answer == "unknown" else "wrong"


def read(file: Path) -> list[Case]:
    """The cases of one file."""
    return [_case(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _case(item: dict[str, Any]) -> Case:
    shown = item["evidence"]
    symptoms = Symptoms(shown["status_reason"], shown["container_reason"], shown["exit_code"], tuple(shown["log_tail"]))
    repository = re.split(r"[#\s]", item["source"])[0]
    group = f"case {item['id']}" if repository == "public" else repository
    right = frozenset({item["cause"], *item["acceptable"]})
    return Case(item["id"], symptoms, right, item["cause"], item["trap"], group)


# --- variants of a case ------------------------------------------------------------------------------------------

PREFIX = re.compile(r"^\s*[A-Z]\w*(Error|Exception): ")
NAMES = (
    (re.compile(r"\b\d{12}\b"), "999988887777"),
    (re.compile(r"\bi-[0-9a-f]{8,17}\b"), "i-0fedcba9876543210"),
    (
        re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        "0a1b2c3d-1111-2222-3333-444455556666",
    ),
    (re.compile(r"\b[0-9a-f]{64}\b"), "c0ffee" * 10 + "beef"),
    (re.compile(r"s3://[\w.-]+"), "s3://other-bucket"),
    (re.compile(r"(?<=/)[a-z][a-z0-9]*([-_][a-z0-9]+)+(?=[:@\"' ]|$)"), "renamed-thing"),
    (re.compile(r"\b(us|eu|ap|sa|ca)-(east|west|central|north|south|northeast|southeast)-\d\b"), "eu-north-1"),
)


def over_reasons(symptoms: Symptoms, change: Callable[[str], str]) -> Symptoms:
    """Both reasons changed."""
    status, container = symptoms.status_reason, symptoms.container_reason
    return replace(
        symptoms,
        status_reason=None if status is None else change(status),
        container_reason=None if container is None else change(container),
    )


def over_texts(symptoms: Symptoms, change: Callable[[str], str]) -> Symptoms:
    """Every text changed."""
    return replace(over_reasons(symptoms, change), log=tuple(map(change, symptoms.log)))


def renamed(text: str) -> str:
    """Other names and ids."""
    for pattern, name in NAMES:
        text = pattern.sub(name, text)
    return text


def noisy(symptoms: Symptoms) -> Symptoms:
    """Two hundred lines before and thirty after, where there is a log."""
    if not symptoms.log:
        return symptoms
    chance = random.Random(len(symptoms.log[0]))  # noqa: S311 - a fixed draw
    lines = [chance.choice(NOISE).format(n=number, x=chance.random()) for number in range(230)]
    return replace(symptoms, log=(*lines[:200], *symptoms.log, *lines[200:]))


NOISE = (
    "2026-11-21T08:{n:02d}:11.{n:03d}Z INFO  worker processed batch {n} in {x:.3f} s",
    "[{n:4d}] downloading part {n} of 230 (error rate 0.0, retries 0)",
    "DEBUG cache lookup key={x} found=True",
    "progress: {n}/230 files, {x:.1%} of memory in use",
    "GET /healthz 200 {x:.4f}",
    "epoch {n}: loss={x:.5f} val_error={x:.5f}",
)

VARIANTS: dict[str, Callable[[Symptoms], Symptoms]] = {
    "as given": lambda symptoms: symptoms,
    "cut at 255": lambda symptoms: over_reasons(symptoms, lambda text: text[:255]),
    "no prefix": lambda symptoms: over_reasons(symptoms, lambda text: PREFIX.sub("", text)),
    "upper case": lambda symptoms: over_texts(symptoms, str.upper),
    "lower case": lambda symptoms: over_texts(symptoms, str.lower),
    "noise": noisy,
    "renamed": lambda symptoms: over_texts(symptoms, renamed),
}


# --- scores ------------------------------------------------------------------------------------------------------


def score(cases: Sequence[Case], *, misses: bool) -> None:
    """Print everything that is measured of the answers."""
    print(f"{len(cases)} cases, {len({case.group for case in cases})} sources, {sum(c.trap for c in cases)} traps\n")
    print(f"{'variant':<12} {'correct':>8} {'wrong':>7} {'abstained':>10} {'traps':>7} {'macro-F1':>9}")
    for name, change in VARIANTS.items():
        changed = [replace(case, symptoms=change(case.symptoms)) for case in cases]
        print(f"{name:<12} {_figures(changed)}")
    _by_label(cases)
    _calibration(cases)
    if misses:
        _misses(cases)


def _figures(cases: Sequence[Case]) -> str:
    outcomes = [(case, *case.outcome()) for case in cases]
    count = Counter(outcome for _, _, outcome in outcomes)
    traps = [outcome == "correct" for case, _, outcome in outcomes if case.trap]
    share = sum(traps) / max(len(traps), 1)
    correct, wrong, abstained = (count[name] / len(cases) for name in ("correct", "wrong", "abstained"))
    return f"{correct:>8.1%} {wrong:>7.1%} {abstained:>10.1%} {share:>7.1%} {_macro_f1(outcomes):>9.2f}"


def _macro_f1(outcomes: Iterable[tuple[Case, str, str]]) -> float:
    hits, said, present = Counter[str](), Counter[str](), Counter[str]()
    for case, answer, outcome in outcomes:
        # An acceptable neighbour counts as the label itself.
        meant = case.cause if outcome == "correct" else answer
        present[case.cause] += 1
        said[meant] += 1
        hits[case.cause] += outcome == "correct"
    return sum(2 * hits[label] / (present[label] + said[label]) for label in present) / len(present)


def _by_label(cases: Sequence[Case]) -> None:
    table = defaultdict[str, Counter[str]](Counter)
    for case in cases:
        table[case.cause][case.outcome()[1]] += 1
    print(f"\n{'label':<32} {'cases':>5} {'correct':>8} {'wrong':>6} {'abstained':>10}")
    for label, count in sorted(table.items()):
        print(f"{label:<32} {count.total():>5} {count['correct']:>8} {count['wrong']:>6} {count['abstained']:>10}")


def _misses(cases: Sequence[Case]) -> None:
    print()
    for case in cases:
        answer, outcome = case.outcome()
        if outcome != "correct":
            found = [f"{c.signature} {c.confidence:.2f}" for c in examine(case.symptoms).candidates[:3]]
            print(f"{outcome:<10} {case.id}: {answer}, not {case.cause}; {', '.join(found) or 'nothing found'}")


# --- calibration ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """The finding that stood first in a case, and whether it was right."""

    tier: Tier
    confidence: float
    right: bool
    group: str


def _claims(cases: Sequence[Case]) -> list[Claim]:
    claims = []
    for case in cases:
        first = next(iter(rank(matches(case.symptoms, catalogue()), case.symptoms)), None)
        if first is not None and first.cause != "unknown" and not first.doubts:
            tier, right = first.match.signature.tier, str(first.cause) in case.right - {"unknown"}
            claims.append(Claim(tier, first.confidence, right, case.group))
    return claims


def _calibration(cases: Sequence[Case]) -> None:
    claims = _claims(cases)
    table = calibration()
    print(f"\n{'tier':<10} {'right':>5} {'wrong':>5} {'observed':>9} {'used':>6}   (calibration.toml: {table.source})")
    for tier in Tier:
        of_tier = [claim.right for claim in claims if claim.tier is tier]
        right, wrong = sum(of_tier), len(of_tier) - sum(of_tier)
        observed = f"{right / len(of_tier):.2f}" if of_tier else "-"
        print(f"{tier:<10} {right:>5} {wrong:>5} {observed:>9} {table.reliability(tier):>6.2f}")
    brier = sum((claim.confidence - claim.right) ** 2 for claim in claims) / max(len(claims), 1)
    print(f"Brier score of the first finding: {brier:.3f} as used, {_left_out(claims):.3f} with each source left out")


def _left_out(claims: Sequence[Claim]) -> float:
    """The Brier score when a tier's worth is counted on all sources but the case's own."""
    table, total = calibration(), 0.0
    for claim in claims:
        others = [c.right for c in claims if c.tier is claim.tier and c.group != claim.group]
        prior = table.tier[claim.tier].prior
        worth = (sum(others) + prior * table.weight) / (len(others) + table.weight)
        total += (worth - claim.right) ** 2
    return total / max(len(claims), 1)


# --- speed -----------------------------------------------------------------------------------------------------------


def speed() -> None:
    """Print how long large inputs take, each in a process of its own."""
    line = "2026-11-21T08:00:11.123Z INFO worker processed batch 7; error rate 0.0, retries 0, memory 12 %"
    last = "botocore.errorfactory.NoSuchKey: An error occurred (NoSuchKey) when calling the GetObject operation"
    empty = {"status_reason": "Essential container in task exited", "container_reason": None, "exit_code": 1}
    hostile = "error: memory killed exception permission denied " * (10 * MIB // 49)
    inputs = {
        "start, one document": [empty | {"id": "a", "log_tail": [last]}],
        "log of 100 MB": [empty | {"id": "a", "log_tail": [line] * (100 * MIB // len(line)) + [last]}],
        "10,000 documents": [empty | {"id": str(n), "log_tail": [line] * 30 + [last]} for n in range(10_000)],
        "one line of 10 MB": [empty | {"id": "a", "log_tail": [hostile, last]}],
        "2,000 hostile lines": [empty | {"id": "a", "log_tail": [hostile[:5_000]] * 2_000 + [last]}],
    }
    print(f"\n{'input':<22} {'bytes':>12} {'seconds':>8} {'peak MiB':>9}")
    for name, documents in inputs.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "evidence.json")
            file.write_text(json.dumps(documents), encoding="utf-8")
            seconds, peak = _run(file)
            print(f"{name:<22} {file.stat().st_size:>12,} {seconds:>8.2f} {peak:>9.0f}", flush=True)


def _run(file: Path) -> tuple[float, float]:
    code = "import sys; from flows.cli import main; sys.argv[0] = 'recloser'; main()"
    before = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", code, "diagnose", "--evidence", str(file), "--format", "json"],
        stdout=subprocess.DEVNULL,
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"recloser diagnose ended with {process.returncode}")
    return time.perf_counter() - before, usage.ru_maxrss / 1024


def main() -> None:
    """Score every file, then measure speed."""
    parser = argparse.ArgumentParser(description="Score the diagnosis on labelled cases.")
    parser.add_argument("--cases", type=Path, action="append", help=f"a file of cases (default: ${VARIABLE})")
    parser.add_argument("--misses", action="store_true", help="name every case that was not answered correctly")
    parser.add_argument("--speed", action="store_true", help="measure speed and memory as well")
    options = parser.parse_args()
    files = options.cases or [Path(name) for name in [os.environ.get(VARIABLE, "")] if name]
    if not files:
        print(f"no cases: they are not part of this repository; give --cases FILE or set {VARIABLE}", file=sys.stderr)
    for file in files:
        print(f"== {file.name}")
        score(read(file), misses=options.misses)
    if options.speed:
        speed()
    raise SystemExit(0 if files or options.speed else 2)


if __name__ == "__main__":
    main()
