"""What a night writes by itself, and what it leaves to a person."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from recloser.quarantine import QuarantineError, apply, expiry_findings, load_quarantine
from recloser.values import FindingKind, QuarantineRelease, ReleaseStanding
from tests.unit.quarantine.lists import WRITTEN, entry, loaded, system

STANDING = ReleaseStanding(clean_runs=142, needed_runs=142)


def test_releases_are_written_and_additions_proposed_unless_declared_otherwise(tmp_path: Path) -> None:
    """What hides a failure is a person's decision."""
    quarantine = loaded(tmp_path, WRITTEN)
    leaving = QuarantineRelease(entry=quarantine.entries[0], standing=STANDING)
    turnover = apply(quarantine, [entry()], [leaving])
    assert (turnover.released, turnover.due) == ((leaving,), ())
    assert (turnover.added, turnover.proposed) == ((), (entry(),))
    assert [one.test for one in load_quarantine(system(tmp_path)).entries] == ["tests/test_c.py::test_d"]


def test_a_target_may_have_it_the_other_way_round(tmp_path: Path) -> None:
    """Additions by the night, releases by a person."""
    quarantine = loaded(tmp_path, WRITTEN, automatic=True, owner="ada", release=False)
    leaving = QuarantineRelease(entry=quarantine.entries[0], standing=STANDING)
    turnover = apply(quarantine, [entry()], [leaving])
    assert (turnover.released, turnover.due, turnover.proposed) == ((), (leaving,), ())
    assert turnover.added == (entry(),)
    assert turnover.quarantine.read_again().entries == (*quarantine.entries, entry())


def test_what_there_is_no_room_for_is_proposed(tmp_path: Path) -> None:
    """The first ones get the room; a release makes some."""
    quarantine = loaded(tmp_path, WRITTEN, automatic=True, owner="ada", max_tests=2)
    leaving = QuarantineRelease(entry=quarantine.entries[0], standing=STANDING)
    turnover = apply(quarantine, [entry("z"), entry("y")], [leaving])
    assert turnover.added == (entry("z"),)
    assert turnover.proposed == (entry("y"),)


def test_nothing_to_write_leaves_the_file_alone(tmp_path: Path) -> None:
    """A night without a change is no change of the code under test."""
    apply(loaded(tmp_path), [entry()], [])
    assert not list(tmp_path.iterdir())


def test_what_a_person_has_changed_meanwhile_stands(tmp_path: Path) -> None:
    """A renewed entry is not released by what was judged of the old one; one that was added is not added again."""
    quarantine = loaded(tmp_path, WRITTEN, automatic=True, owner="ada")
    leaving = QuarantineRelease(entry=quarantine.entries[0], standing=STANDING)
    renewed = WRITTEN.replace("owner = 'ada'", "owner = 'eve'")
    (tmp_path / "quarantine.toml").write_text(renewed)
    turnover = apply(quarantine, [entry("tests/test_c.py::test_d")], [leaving])
    assert (turnover.released, turnover.added, turnover.proposed) == ((), (), ())
    assert (tmp_path / "quarantine.toml").read_text() == renewed


def test_a_file_that_has_become_invalid_is_not_touched(tmp_path: Path) -> None:
    """Somebody is in the midst of editing it."""
    quarantine = loaded(tmp_path, WRITTEN, automatic=True, owner="ada")
    (tmp_path / "quarantine.toml").write_text("[[test]]\nsuite = ")
    with pytest.raises(QuarantineError, match="not valid TOML"):
        apply(quarantine, [entry()], [])
    assert (tmp_path / "quarantine.toml").read_text() == "[[test]]\nsuite = "


def test_expiry_is_told_to_the_owner_and_releases_nothing(tmp_path: Path) -> None:
    """One finding for each entry, the same one until somebody acts."""
    quarantine = loaded(tmp_path, WRITTEN)
    assert expiry_findings(quarantine, datetime(2026, 11, 20, tzinfo=UTC)) == ()
    (found,) = expiry_findings(quarantine, datetime(2026, 11, 21, tzinfo=UTC))
    assert (found.kind, found.owner, found.scope) == (FindingKind.QUARANTINE_EXPIRED, "bob", "quarantine")
    assert "tests/test_c.py::test_d" in found.title
    assert expiry_findings(quarantine, datetime(2026, 11, 22, tzinfo=UTC)) == (found,)
    assert len(quarantine.entries) == 2


def test_nothing_is_put_aside_automatically_that_nobody_answers_for(tmp_path: Path) -> None:
    """The declaration itself is refused."""
    with pytest.raises(ValidationError, match="`automatic` needs an `owner`"):
        system(tmp_path, automatic=True)
