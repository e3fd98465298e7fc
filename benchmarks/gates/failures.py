"""Section 4.6: which failures are one, how many issues that makes, and storms."""

from __future__ import annotations

import re
import tempfile
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gates.figures import bootstrap
from gates.worlds import FIRST, frame_of
from recloser.analytics.fingerprints import Sighting, mask
from recloser.analytics.nearness import near_groups
from recloser.analytics.storms import storms
from recloser.analytics.triage import triage
from recloser.notify import announce
from recloser.redaction import Redactor
from recloser.store import Store
from recloser.target import System
from recloser.values import CycleFacts, CycleVerdict, Finding, FindingKind

if TYPE_CHECKING:
    from gates.figures import Bench

HEAD = re.compile(r"^not ok \d+ (?P<test>\S+)")
RAISED = re.compile(r"^\s*(?P<kind>(?:\w+\.)*\w*(?:Error|Exception)\b[^:\n]{0,40}|timeout$)", re.MULTILINE)
PLACE = re.compile(r"^\s+at (?:(?P<function>[^\n(]{1,80}) \()?(?P<file>[^\s()]*?/?test/[^\s():]+)", re.MULTILINE)


def sighting(text: str, subject: str) -> Sighting:
    """A failure of Node.js as the product would keep it: its exception, what was printed, frames in test/ only."""
    kind = RAISED.search(text)
    frames = tuple(
        f"{place['file'].rpartition('test/')[2]}:{place['function'] or ''}" for place in PLACE.finditer(text)
    )
    return Sighting(kind["kind"].strip() if kind else "failed", text, frames[::-1], subject)


def grouping(bench: Bench) -> bool:
    """Clusters for each failing test of Node.js by masks, by exact keys, by near groups; new keys a day."""
    found = bench.table("nodejs_failures.csv.gz")
    if found is None:
        return False
    found = found[found["kind"] == "JS_TEST_FAILURE"]
    sightings = [sighting(text, subject) for text, subject in zip(found["text"], found["subject"], strict=True)]
    ways = {
        "text as it is": found["text"],
        "masks": found["text"].map(mask),
        "exact key": pd.Series([each.key for each in sightings], index=found.index),
        "near groups": pd.Series(near_groups(sightings), index=found.index),
    }
    tests = found["subject"].nunique()
    for name, keys in ways.items():
        first = found.assign(key=keys).drop_duplicates(["subject", "key"])
        mixed = int((first.groupby("key")["subject"].size() > 1).sum())
        clusters = first.groupby("subject").size().to_numpy()
        gated = name != "text as it is"
        note = f"of {tests} tests {bootstrap(clusters, np.mean)}"
        bench.show(f"clusters per test, {name}", keys.nunique() / tests, note, most=1.55 if gated else np.inf)
        bench.show("  clusters that mix tests", mixed, most=2 if gated else np.inf)
    days = found.assign(key=ways["near groups"]).groupby("date")["key"].agg(set)
    fresh = [len(keys - set().union(*days[:at])) for at, keys in enumerate(days)]
    bench.show("new keys a day, median after the first", float(np.median(fresh[1:])), f"most {max(fresh[1:])}")
    opened = issues_of([sorted(keys) for keys in days])
    bench.show(f"new issues on any of {len(days)} days", max(opened), f"{sum(opened)} in all", most=3)
    return True


def issues_of(days: list[list[str]]) -> list[int]:
    """How many issues the product opens each day, if so many keys fail then."""
    opened = []
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/store.db") as store:
        system = System.model_validate({"name": "replay", "folder": folder})
        for number, keys in enumerate(days):
            at = FIRST + timedelta(days=number)
            findings = tuple(
                Finding(kind=FindingKind.NEW_FAILURE, fingerprint=key, title=key, scope="suite/unit") for key in keys
            )
            facts = CycleFacts(
                cycle_id=f"{at:%Y%m%d-%H%M%S}",
                target="replay",
                at=at,
                verdict=CycleVerdict.RED,
                findings=findings,
                failed=len(keys),
                judged=5_000,
                verified=frozenset({"suite/unit"}),
            )
            with store.outbox.desk() as desk:
                announce(desk, facts, system, Redactor(()), tracker="replay")
                opened.append(sum(link.opened_at == at for link in desk.links("replay")))
    return opened


def stormy(bench: Bench) -> bool:
    """Five hundred failures at once: one storm, whatever they fail of, and one issue."""
    for alike in (True, False):
        tests = np.arange(600)
        failed = np.concatenate([np.zeros(600, dtype=bool), tests < 500])
        frame = frame_of(np.tile(tests, 2), np.repeat([0, 1], 600), failed, np.repeat([0, 1], 600), 600)
        if alike:
            frame["fingerprint"] = pd.Categorical(np.where(failed, "k", None))
        verdicts = triage(frame, "n00001", now=FIRST)
        name = "one fingerprint" if alike else "500 fingerprints"
        bench.show(f"storms in 500 of 600 failures with {name}", len(storms(frame)), least=1, most=1)
        bench.show("  verdicts that are not infrastructure", sum(v.kind != "infrastructure" for v in verdicts), most=0)
        bench.show("  sentences", len({v.sentence for v in verdicts}), most=1)
    bench.show(
        "issues of 500 new keys at once", issues_of([[f"k{number}" for number in range(500)]])[0], least=1, most=1
    )
    return True
