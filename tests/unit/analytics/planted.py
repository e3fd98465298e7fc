"""Nights of a small suite, written as strings, for tests of what is made of them."""

from datetime import UTC, datetime, timedelta

import pandas as pd

from recloser.analytics.outcomes import outcome_frame

FIRST = datetime(2026, 11, 1, tzinfo=UTC)


def cycle_of(night: int) -> str:
    """The id of a night; ids sort by time."""
    return f"{FIRST + timedelta(days=night):%Y%m%d}"


def at(night: int, minute: float = 0) -> datetime:
    """A moment of a night."""
    return FIRST + timedelta(days=night, minutes=minute)


class Nights:
    """Collects outcomes; `.` is a pass, `F` a failure, a blank that it did not run."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []

    def run(self, test: str, outcomes: str, *, trees: str = "", **facts: object) -> None:
        """One outcome for each night from the first on; `trees` names the code of each, which else is another one."""
        for night, outcome in enumerate(outcomes):
            tree = trees[night] if trees else f"t{night}"
            self.again(night, test, outcome, **({"tree": tree, "probe": "", "minute": 0} | facts))

    def again(
        self, night: int, test: str, outcomes: str, *, probe: str, minute: float = 30, tree: str = "", **facts: object
    ) -> None:
        """Outcomes in one night, a minute apart."""
        for turn, outcome in enumerate(outcomes):
            if outcome != " ":
                self.rows.append(
                    {
                        "cycle": cycle_of(night),
                        "at": at(night, minute + turn),
                        "state": f"{tree or f't{night}'}|e",
                        "test": test,
                        "failed": outcome == "F",
                        "probe": probe,
                        "duration_s": 1.0,
                        "fingerprint": f"key of {test}" if outcome == "F" else None,
                        **facts,
                    }
                )

    def frame(self) -> pd.DataFrame:
        """The outcome frame of all that was collected."""
        return outcome_frame(self.rows)
