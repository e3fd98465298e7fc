"""Section 4.4 on data: who is suspect in a hundred reruns, and the score beside rates known from ten thousand runs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import hypergeom

from gates.figures import bootstrap
from gates.worlds import FIRST, one_state
from recloser.analytics.evidence import assess
from recloser.analytics.flakes import UNIT, flake_score, shown_rate

if TYPE_CHECKING:
    from gates.figures import Bench

OFTEN, SELDOM = 0.05, 0.01
"""Failure rates that the score should find, and that it should not take for flaky."""


def reruns(bench: Bench) -> bool:
    """Who becomes suspect in a hundred reruns, beside the most that outcomes can show."""
    found = bench.table("reruns100.csv.gz")
    if found is None:
        return False
    text = np.array([list(outcomes) for outcomes in found["outcomes"]])
    failed, judged = np.isin(text, ["F", "E"]), np.isin(text, ["F", "E", "P"])
    often = judged.sum(axis=1) >= 90
    failed, judged = failed[often] & judged[often], judged[often]
    mixed = failed.any(axis=1) & (judged & ~failed).any(axis=1)
    print(f"{len(failed)} tests, {mixed.sum()} flaky, {(failed.any(axis=1) & ~mixed).sum()} failing always")
    for runs in (5, 10, 20, 40, 100):
        said = assess(one_state(failed[:, :runs], judged[:, :runs]), now=FIRST + timedelta(days=runs))
        number = said["test"].astype(str).str[1:].astype(int).to_numpy()
        suspect, quarantined = (
            np.isin(np.arange(len(failed)), number[said[name]]) for name in ("suspect", "quarantine")
        )
        seen = failed[:, :runs].any(axis=1) & (judged[:, :runs] & ~failed[:, :runs]).any(axis=1)
        name = f"flaky tests that are suspect after {runs} runs"
        bench.share(name, (suspect & mixed).sum(), mixed.sum(), least=(seen & mixed).sum() / mixed.sum())
        bench.show("  others that are suspect or quarantined", int(((suspect | quarantined) & ~mixed).sum()), most=0)
    return True


def counts(bench: Bench) -> bool:
    """The score and the shown interval against rates known from ten thousand runs; exact, nothing is drawn.

    So many runs of a test are drawn without replacement, so the number of failures among them is hypergeometric, and
    every share here is the expected one. The reference's gates have two digits and are read so. That matters for one:
    after fifty runs a test is chosen that failed three times (section 2.1 of the reference: 3 of 50), which makes .9890
    of those that fail more than 5 %; its own .995 is one draw, 218 of the 219 tests, and one draw in two is below .99.
    To choose at two failures would make .9957, but .978 of the chosen would fail more than 1 %, and .99 are to: no rule
    that counts failures does both. Both rows are printed.
    """
    found = bench.table("flakeflagger_counts.csv.gz")
    if found is None:
        return False
    failing, total = found["n_fail"].to_numpy(), (found["n_fail"] + found["n_pass"]).to_numpy()
    flaky = (failing > 0) & (failing < total)
    failing, total = failing[flaky], total[flaky]
    rate = failing / total
    often = rate > OFTEN
    for runs, least in ((10, 0.65), (50, 0.99), (100, -np.inf)):
        failures = np.arange(1, runs)  # of a test seen mixed: all that the rule chooses, and all whose rate is shown
        chance = hypergeom.pmf(failures, total[:, None], failing[:, None], runs)
        needed = 1 + int((flake_score(failures, runs - failures) <= UNIT.threshold).sum())
        for fewest in (needed, needed - 1):
            each = chance[:, failures >= fewest].sum(axis=1)
            gated = fewest == needed
            name = f"chosen at {fewest} failures in {runs} runs, of {often.sum()} that fail more than 5 %"
            share, interval = each[often].mean(), bootstrap(each[often], np.mean)
            bench.show(name, share, interval, least=least - 0.005 if gated else -np.inf)
            right = each[rate > SELDOM].sum() / each.sum()
            bench.show("  of the chosen, fail more than 1 %", right, least=0.99 if gated else -np.inf)
        _, low, high = shown_rate(failures, runs)
        held = (low <= rate[:, None]) & (rate[:, None] <= high)
        shown = np.column_stack([(chance * held).sum(axis=1), chance.sum(axis=1)])
        interval = bootstrap(shown, lambda rows: rows[:, 0].sum() / rows[:, 1].sum())
        name = "  shown 90 % intervals of mixed tests that hold"
        bench.show(name, shown[:, 0].sum() / shown[:, 1].sum(), interval, least=0.84)
    return True
