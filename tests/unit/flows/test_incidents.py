"""`recloser incidents`, as a person types it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from flows.cli import assemble
from flows.commands.incidents import parse_since
from recloser.healing import Narrator, open_healing
from recloser.store import Store, StoreError
from recloser.values import Cause, FixMode, Incident, Label, utc_now
from tests.unit.healing.fakes import FakeAccount, a_site, a_target, failed

ODD = "solver gave up after 7 rounds [bold]on shard[/bold] 12"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store that the commands work on."""
    url = f"sqlite:///{tmp_path}/recloser.db"
    monkeypatch.setenv("RECLOSER_STORE_URL", url)
    monkeypatch.setenv("COLUMNS", "200")
    with Store.open(url) as opened:
        yield opened


@pytest.fixture
def incident(store: Store, tmp_path: Path) -> Incident:
    """A healing that ended with an unknown failure."""
    account = FakeAccount()
    account.batch.play = lambda spec: failed(ODD)
    site = a_site(a_target(tmp_path, watch={"list_lag_s": 0}), account)
    healing = open_healing(site, store, Narrator(), iterations=1, fix_mode=FixMode.AUTO)
    healing.submit()
    evidence = healing.collect(healing.watch())
    healing.plan(evidence, healing.diagnose(evidence))
    healing.release()
    return healing.incident


def run(*arguments: str) -> Result:
    """One command; what it raises is raised here."""
    return CliRunner().invoke(assemble("incidents"), ["incidents", *arguments], catch_exceptions=False)


def document(*arguments: str) -> Any:
    """What it prints as JSON."""
    return json.loads(run(*arguments, "--format", "json").output)


class TestList:
    """`recloser incidents list`."""

    def test_names_each_incident_with_its_cause_and_label(self, store: Store, incident: Incident) -> None:
        """A line a person can read, and a document a program can."""
        shown = run("list").output
        assert incident.incident_id in shown
        assert f"{incident.opened_at:%Y-%m-%d %H:%M}" in shown
        assert "opened (UTC)" in shown
        run("label", incident.incident_id, "timeout", "--who", "ada")
        assert "unknown (labelled timeout by ada)" in run("list").output
        (found,) = document("list")
        assert (found["incident_id"], found["causes"], found["label"]) == (incident.incident_id, ["unknown"], "timeout")

    @pytest.mark.parametrize(
        ("arguments", "count"),
        [
            (("--target", "optimo"), 1),
            (("--target", "grid"), 0),
            (("--cause", "unknown"), 1),
            (("--cause", "oom"), 0),
            (("--since", "1h"), 1),
            (("--since", "2999-01-01"), 0),
        ],
    )
    def test_takes_filters(self, incident: Incident, arguments: tuple[str, ...], count: int) -> None:
        """By target, by cause, by time."""
        assert len(document("list", *arguments)) == count

    def test_never_cuts_an_id(self, incident: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is there to be copied, however narrow the terminal."""
        monkeypatch.setenv("COLUMNS", "60")
        assert incident.incident_id in run("list").output

    def test_of_nothing_says_so(self, store: Store) -> None:
        """An empty store is no error."""
        assert run("list").output == "no incidents\n"
        assert document("list") == []

    @pytest.mark.parametrize("since", ["yesterday", "7x", "d", "99999999999d", "2026-13-01"])
    def test_refuses_what_is_no_time(self, store: Store, since: str) -> None:
        """One message that says what is expected."""
        refused = run("list", "--since", since)
        assert refused.exit_code == 2
        assert "expected a date such as" in refused.output


class TestShow:
    """`recloser incidents show`."""

    def test_shows_hostile_text_as_text(self, incident: Incident) -> None:
        """A log line is no markup."""
        shown = run("show", incident.incident_id).output
        assert ODD in shown
        assert "\x1b" not in shown

    def test_gives_all_to_a_program(self, incident: Incident) -> None:
        """The incident as the report's JSON has it, with labels and failures."""
        found = document("show", incident.incident_id[:12])
        assert found["incident"] == incident.model_dump(mode="json")
        assert found["labels"] == []
        assert found["failures"][0]["queue"] == "optimo"

    def test_refuses_an_unknown_one(self, store: Store) -> None:
        """The store's own message."""
        with pytest.raises(StoreError, match="no incident 'i-0'"):
            run("show", "i-0")


class TestLabel:
    """`recloser incidents label`."""

    def test_keeps_who_said_what_and_no_secret(self, store: Store, incident: Incident) -> None:
        """The user of this machine, if nobody else is named; a password in a note is not kept."""
        run("label", incident.incident_id, "file_not_found", "--note", "see wiki, password=hunter22hunter22")
        (word,) = store.memory.labels(incident.incident_id)
        assert (word.cause, bool(word.who)) == (Cause.FILE_NOT_FOUND, True)
        assert word.note == "see wiki, password=[redacted]"
        assert "file_not_found, by" in run("show", incident.incident_id).output

    def test_refuses_unknown_as_a_cause(self, incident: Incident) -> None:
        """It is what one has without a label."""
        refused = run("label", incident.incident_id, "unknown")
        assert refused.exit_code == 2
        assert "is no cause" in refused.output

    def test_refuses_a_cause_that_does_not_exist(self, incident: Incident) -> None:
        """The causes are a closed list."""
        assert run("label", incident.incident_id, "gremlins").exit_code == 2


class TestReplay:
    """`recloser incidents replay`."""

    def test_finds_the_same_again(self, incident: Incident) -> None:
        """Nothing has changed, and nobody is asked."""
        assert "as before" in run("replay", incident.incident_id).output
        assert document("replay", incident.incident_id)[0]["differences"] == []

    def test_shows_what_a_label_changes(self, store: Store, incident: Incident) -> None:
        """What would be said today, beside what was said then."""
        store.memory.label(Label(incident_id=incident.incident_id, cause=Cause.TIMEOUT, who="ada", at=utc_now()))
        assert "cause: unknown → timeout" in run("replay", incident.incident_id).output
        differences = {one["field"]: one for one in document("replay", incident.incident_id)[0]["differences"]}
        assert differences["cause"] == {"field": "cause", "before": "unknown", "now": "timeout"}

    def test_of_an_incident_without_evidence_says_so(self, store: Store, incident: Incident) -> None:
        """One of an older Recloser."""
        store.save_incident(incident.model_copy(update={"incident_id": "old"}))
        assert "no evidence was kept" in run("replay", "old").output


def test_prune_forgets_what_is_old(store: Store, incident: Incident) -> None:
    """By age, and only closed ones."""
    long_ago = incident.opened_at - timedelta(days=400)
    closed = {"opened_at": long_ago, "closed_at": long_ago, "attempts": (), "changes": ()}
    store.save_incident(incident.model_copy(update=closed | {"incident_id": "old"}))
    assert run("prune").output == "1 incidents forgotten\n"
    assert [found.incident_id for found in store.incidents()] == [incident.incident_id]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("12h", datetime(2026, 5, 3, 15, tzinfo=UTC)),
        ("7d", datetime(2026, 4, 27, 3, tzinfo=UTC)),
        ("2026-05-04", datetime(2026, 5, 4, tzinfo=UTC)),
        ("2026-05-04T03:00+02:00", datetime(2026, 5, 4, 1, tzinfo=UTC)),
    ],
)
def test_since_is_a_moment_in_utc(text: str, moment: datetime) -> None:
    """Dates and ages."""
    assert parse_since(text, datetime(2026, 5, 4, 3, tzinfo=UTC)) == moment
