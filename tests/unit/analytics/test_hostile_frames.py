"""Whatever frame comes in, analysis does not fall over, and what it says does not hang on how the frame is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from recloser.analytics.broken import change_points
from recloser.analytics.clusters import co_failing
from recloser.analytics.comparison import compare
from recloser.analytics.evidence import assess
from recloser.analytics.outcomes import measured, outcome_frame
from recloser.analytics.probes import plan_probes
from recloser.analytics.release import release_standings
from recloser.analytics.review import review
from recloser.analytics.slower import find_slower, plan_timing
from recloser.analytics.slowest import slowest
from recloser.analytics.storms import calm, storms
from recloser.analytics.triage import triage
from recloser.values import Outage

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
NOW = FIRST + timedelta(days=60)
OUTAGE = Outage(what="api was down", started_at=FIRST, ended_at=FIRST + timedelta(hours=1))
HOSTILE = settings(
    deadline=None, max_examples=5, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)

attempts = st.fixed_dictionaries(
    {
        "night": st.integers(0, 30),
        "test": st.sampled_from(["test_ä[ß]", "тест", "a b\tc", "", "t|e", "x" * 300]),
        "failed": st.booleans(),
        "probe": st.sampled_from(
            ["", "", "", "same", "shuffled", "isolated", "confirm-base", "time-head", "time-base"]
        ),
        "duration_s": st.sampled_from([0.0, 0.2, 1.0, 9.0, -1.0, 1e308, float("inf"), float("nan")]),
        "tier": st.sampled_from(["unit", "E2E", "any"]),
        "suite": st.sampled_from(["u", "v"]),
        "judged": st.sampled_from([True, True, True, False]),
    }
)


def frame_of(drawn: list[dict[str, Any]]) -> pd.DataFrame:
    """An outcome frame; each attempt at a moment of its own, as in life."""
    return outcome_frame(
        {
            "cycle": f"c{one['night']:03}",
            "at": FIRST + timedelta(days=one["night"], seconds=number),
            "state": f"t{one['night'] // 2}|e{one['night'] % 2}",
            "attempt": number + 1,
            "position": number,
            "fingerprint": "k" if one["failed"] and one["judged"] else None,
            **{name: value for name, value in one.items() if name != "night"},
            "failed": one["failed"] and one["judged"],
        }
        for number, one in enumerate(drawn)
    )


def everything(frame: pd.DataFrame, now: datetime = NOW) -> dict[str, str]:
    """What each public function says of a frame, as text."""
    cycles = list(frame["cycle"].cat.categories)
    tests = {(str(suite), str(test)) for suite, test in zip(frame["suite"], frame["test"], strict=True)}
    quiet = calm(frame, storms(frame), [OUTAGE])
    evidence = assess(quiet, now=now)
    evidence["last_failed"] = evidence["last_failed"].astype(str)
    found: dict[str, object] = {
        "storms": storms(frame),
        "assess": evidence.to_dict("list"),
        "change_points": change_points(frame).to_dict("list"),
        "release": sorted(release_standings(frame, tests).items()),
        "triage": triage(frame, "c030", now=now, outages=[OUTAGE]),
        "probes": plan_probes(frame, "c030", budget_s=60, now=now, outages=[OUTAGE]),
        "slower": find_slower(frame, "c030"),
        "timing": plan_timing(find_slower(frame, "c030")),
        "slowest": slowest(frame, 5),
        "review": review(frame),
        "co_failing": co_failing(frame),
        "compare": compare(frame, cycles[-1], good=cycles[:-1]) if cycles else "",
    }
    return {name: repr(said) for name, said in found.items()}


@HOSTILE
@given(st.lists(attempts, max_size=40), st.randoms(use_true_random=False))
def test_nothing_hangs_on_how_a_frame_is_written(drawn: list[dict[str, Any]], random: Any) -> None:
    """Rows in another order, an index that repeats itself, times in another zone or in none: the same answers."""
    drawn = [*drawn, {**drawn[0], "night": 30}] if drawn else []
    frame = frame_of(drawn)
    said = everything(frame)
    other = frame.iloc[random.sample(range(len(frame)), len(frame))].set_axis([0] * len(frame))
    assert everything(other.assign(at=other["at"].dt.tz_convert("Asia/Kolkata"))) == said
    assert everything(other.assign(at=other["at"].dt.tz_localize(None)), NOW.replace(tzinfo=None)) == said


def test_a_night_that_is_not_there_is_named() -> None:
    """Nothing can be compared with it, and the message says which it is."""
    with pytest.raises(ValueError, match="no attempt is of c999"):
        compare(frame_of([]), "c999")


def test_a_measurement_that_cannot_be_is_none() -> None:
    """Negative, not finite, longer than anything lasts: not timed, which is no pass in no time."""
    frame = frame_of([]).reindex(range(5)).assign(duration_s=[-1.0, float("inf"), 1e308, None, 2.0])
    assert pd.Series(measured(frame)).dropna().tolist() == [2.0]
