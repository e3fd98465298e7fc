"""What was committed since the last good night, and which of it touches a failure."""

from collections.abc import Iterator

from recloser.report.nightly.blocks import Block, Item, Listing, Mark
from recloser.report.nightly.limits import Limits
from recloser.report.nightly.words import counted
from recloser.values import CycleReport, FailureGroup

MOST_COMMITS = 20
_SUSPECTS = 5


def commits_block(report: CycleReport, limits: Limits) -> tuple[Block, ...]:
    """What was committed since the last good night, where something became worse."""
    change = report.change
    if change is None or not (report.groups or report.slowdowns):
        return ()
    title = f"Changed since the good night {change.base}"
    if change.unknown:
        return (Listing(title, (Item("the commits are not known", Mark.UNKNOWN, change.unknown),)),)
    count = len(change.commits) + change.more
    items = [Item(commit.sentence, Mark.PLAIN) for commit in change.commits[: min(limits.rows, MOST_COMMITS)]]
    left = count - len(items)
    if change.uncommitted:
        items.insert(0, Item("changes that are not committed", Mark.NOTE))
    more = f"and {counted(left, 'older commit')}" if left else ""
    return (Listing(f"{title}: {counted(count, 'commit')}", tuple(items), more, "The revision is the same."),)


def suspect_facts(report: CycleReport, group: FailureGroup) -> Iterator[tuple[str, str]]:
    """The commits that touch what a failure is about; that is no proof."""
    if not group.suspects or report.change is None:
        return
    touching = [suspect for suspect in group.suspects if suspect.reason][:_SUSPECTS]
    yield from (("suspect", suspect.sentence) for suspect in touching)
    if not touching:
        count = len(report.change.commits) + report.change.more
        yield "suspects", f"nothing speaks for one of the {counted(count, 'commit')} since it was good"
