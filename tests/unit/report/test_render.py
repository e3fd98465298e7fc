"""The report of an incident: what a person finds in it, and in which order."""

import pytest
from hypothesis import given, settings

from recloser.report import attempt_rows, change_rows, fleet_rows, money_rows, render_markdown
from recloser.report.markdown import visible
from recloser.report.page import LOG_LINES
from recloser.report.patch import patch_lines
from recloser.report.render import as_markdown
from recloser.report.words import has_failed
from recloser.values import (
    AttemptRecord,
    Cause,
    ChangeState,
    Fleet,
    FleetJob,
    Incident,
    JobState,
    Money,
    OutputCheck,
    Value,
    Verdict,
)
from tests.unit.report.conftest import a_change, an_attempt
from tests.unit.report.parsed import ATTACKS, PLAIN, block_types, headings, inlines, row_widths
from tests.unit.store.strategies import values


def section(report: str, title: str) -> str:
    """One section of a report."""
    return report.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def with_(value: Value, **fields: object) -> Value:
    """The value with other fields."""
    return value.model_copy(update=fields)


class TestHealed:
    """The report of an incident that ended well."""

    def test_has_its_sections_in_the_order_of_need(self, healed: Incident) -> None:
        """The verdict comes first, then why, then the attempts, the changes and the figures."""
        assert headings(render_markdown(healed)) == [
            "optimo: healed",
            "What happened",
            "Attempts",
            "What failed, and why",
            "Attempt 1",
            "Attempt 2",
            "Changes",
            "Change 1: set SOLVER_THREADS from the catalogue",
            "Change 2: raise the memory to 1024 MiB",
            "Declared outputs",
            "Money",
            "Metrics",
        ]

    def test_begins_with_the_verdict(self, healed: Incident) -> None:
        """Whoever reads one sentence knows how it ended."""
        lines = render_markdown(healed).splitlines()
        assert lines[2] == "**The job works again after 3 attempts; changes still in place: 2.**"

    def test_tells_what_happened_in_one_paragraph(self, healed: Incident) -> None:
        """Each attempt is told with its cause, how sure that is, and what was done about it."""
        told = section(render_markdown(healed), "What happened").strip().splitlines()[0]
        assert told == (
            "Attempt 1 failed (`missing_env_var`, confidence 97 %): the variable SOLVER_THREADS is not set. "
            "In answer, “set SOLVER_THREADS from the catalogue” was verified. "
            "Attempt 2 failed (`oom`, confidence 99 %): the container used more than 512 MiB. "
            "In answer, “raise the memory to 1024 MiB” was verified. "
            "Attempt 3 succeeded, and all its declared outputs are valid."
        )

    def test_says_what_to_make_permanent(self, healed: Incident) -> None:
        """A change that only the sandboxed run knows of is named as work that is left."""
        told = section(render_markdown(healed), "What happened")
        assert "**Why it ended so:** the job succeeded and its outputs are valid." in told
        assert (
            "1. Make permanent, or the next deployment may undo it: change 2, “raise the memory to 1024 MiB”." in told
        )

    def test_lists_the_attempts(self, healed: Incident) -> None:
        """The table shows for each attempt what it was, how it ended and what was changed after it."""
        table = section(render_markdown(healed), "Attempts").strip().splitlines()
        assert table[0] == "| # | job id | state | exit | cause | memory | duration | cost | changed after it |"
        assert table[3] == (
            "| 2 | `job-0002` | FAILED | 137 | `oom` | 512 MiB | 1 min 05 s | – "  # noqa: RUF001
            "| raise the memory to 1024 MiB (verified) |"
        )
        assert table[4] == "| 3 | `job-0003` | SUCCEEDED | 0 | – | 1024 MiB | 1 min 05 s | – | – |"  # noqa: RUF001

    def test_shows_what_each_diagnosis_rests_on(self, healed: Incident) -> None:
        """Evidence, what was ruled out, what could not be checked and the log stand beside the cause."""
        first = section(render_markdown(healed), "What failed, and why").split("### Attempt 2")[0]
        for line in (
            "- **Cause:** `missing_env_var`, confidence 97 %, about `SOLVER_THREADS`",
            "- **Recognised by:** signature `python.keyerror.environ`",
            "- log: `KeyError: 'SOLVER_THREADS'`",
            "- `oom`: the exit code is 1, not 137.",
            "- the queue's quota: not allowed",
            "```text\nTraceback\nKeyError: 'SOLVER_THREADS'\n```",
        ):
            assert line in first

    def test_says_where_nothing_was_found(self, healed: Incident) -> None:
        """An empty list is said to be empty, so that it is not taken for an omission."""
        second = section(render_markdown(healed), "What failed, and why").split("### Attempt 2")[1]
        assert "Ruled out:\n\n- nothing\n" in second
        assert "Could not be checked:\n\n- nothing: every check was made" in second
        assert "There is no log excerpt." in second
        assert "- **Status reason:** Essential container exited" in second

    def test_shows_each_change_with_how_to_keep_and_undo_it(self, healed: Incident) -> None:
        """A change is its diff, its state, its level, and both ways on."""
        changes = section(render_markdown(healed), "Changes")
        for line in (
            "- **State:** verified (read back), since 2026-05-04 03:03:01 UTC",
            "- **Level:** A1, within caps and reversible",
            "- **Answers:** `missing_env_var` of attempt 1",
            "- **Remedy:** `set_environment`, change id `change-1`",
            "- **Touches:** this submission",
            "- **Costs:** nothing",
            "```diff\n--- submitted\n+++ submitted\n+SOLVER_THREADS=(value of the catalogue)\n```",
            "**Make it permanent:**\n\nAdd SOLVER_THREADS to the job definition optimo.",
            "**Undo it:**\n\n```text\naws batch register-job-definition \\\n  --memory 512\n```",
        ):
            assert line in changes

    def test_ends_with_outputs_figures_and_origin(self, healed: Incident) -> None:
        """The outputs, the metrics with their units, and who wrote the report close it."""
        report = render_markdown(healed)
        for line in (
            "| `s3://grid/out/schedule.csv` | yes | 24 rows |",
            "| success | yes |",
            "| time to detect (mean) | 1.2 s |",
            "| time to recover | 3 min 04 s |",
            "| attempts | 3 |",
            "| changes applied | 2 |",
            "| manual interventions | 0 |",
            "| whole duration | 2 h 05 min |",
            "- Incident `i-2026-05-04` of `optimo`",
            "- fix mode auto, at most 10 attempts, on the declared known-good data",
        ):
            assert line in report
        assert "- written by Recloser" in report


class TestTrials:
    """The report of an incident that was minimised."""

    def test_say_what_was_tried_without_and_what_came_of_it(self, healed: Incident) -> None:
        """One trial succeeded, one failed of the change's own cause, one was interrupted."""
        trials = (
            an_attempt(4, without=("change-1",), state=JobState.SUCCEEDED, exit_code=0),
            an_attempt(5, without=("change-2",), diagnosis=healed.attempts[1].diagnosis),
            an_attempt(6, without=("change-2",), abandoned="interrupted"),
            an_attempt(7, without=("change-2",), diagnosis=healed.attempts[0].diagnosis),
        )
        report = render_markdown(with_(healed, attempts=(*healed.attempts, *trials)))
        assert section(report, "What was tried without").split("| --- |\n")[-1].strip().splitlines() == [
            "| 4 | set SOLVER_THREADS from the catalogue | succeeded: not needed |",
            "| 5 | raise the memory to 1024 MiB | failed of the same cause: needed |",
            "| 6 | raise the memory to 1024 MiB | interrupted, so it proves nothing |",
            "| 7 | raise the memory to 1024 MiB | failed of another cause, which decides nothing: kept |",
        ]
        assert "Attempt 4 was a trial without “set SOLVER_THREADS from the catalogue”" in report


class TestFleet:
    """The report of many jobs that failed together."""

    def test_shows_those_that_do_not_work_first_and_not_all(self, healed: Incident) -> None:
        """Fifty rows of a hundred, with how many there are of each."""
        good = [FleetJob(source_id=f"g{n}", name="n", job_id="j", state=JobState.SUCCEEDED) for n in range(98)]
        bad = [FleetJob(source_id="bad", index=3, name="n", job_id="j", state=JobState.FAILED, reason="why | not")]
        lost = [FleetJob(source_id="lost", name="n", whole_array=True, reason="not submitted: no")]
        fleet = Fleet(queue="q", definition="d:1", fingerprint="f00", jobs=(*good, *bad, *lost))
        told = section(render_markdown(with_(healed, fleet=fleet)), "The jobs that failed together")
        assert "98 SUCCEEDED, 1 FAILED, 1 not ended" in told
        assert "50 of 100 are shown" in told
        assert "only Batch may set AWS_BATCH_JOB_ARRAY_INDEX" in told
        rows = [line for line in told.splitlines() if line.startswith("| `")]
        assert len(rows) == 50
        assert rows[0].startswith("| `bad:3` | `j` | FAILED |")
        assert rows[1].startswith("| `lost` |")
        assert len(fleet_rows(with_(healed, fleet=fleet))) == 50

    def test_is_left_out_where_there_is_none(self, healed: Incident) -> None:
        """One job is no fleet."""
        assert "failed together" not in render_markdown(healed)
        assert fleet_rows(healed) == []


class TestMoney:
    """What an incident cost."""

    def test_is_told_with_its_rule_and_its_source(self, healed: Incident) -> None:
        """Spent, not spent, how counted, by which prices."""
        money = Money(spent_usd=1.5, refused_retries=6, saved_usd=0.0042, rule="x times", prices="list, as of 2026")
        told = section(render_markdown(with_(healed, money=money)), "Money")
        assert told.strip().splitlines() == [
            "- **Spent:** 1.50 USD on 3 attempts.",
            "- **Not spent:** 0.004200 USD on 6 doomed retries that were refused.",
            "- **How that is counted:** x times.",
            "- **Prices:** list, as of 2026",
        ]

    def test_without_prices_is_no_figure(self, healed: Incident) -> None:
        """It is said, not left out."""
        assert "No figure: the target declares no prices" in section(render_markdown(healed), "Money")
        assert money_rows(healed)[0]["what"] == "no figure"

    def test_is_a_table_too(self, healed: Incident) -> None:
        """One row an attempt, and the sums, all of one shape."""
        money = Money(spent_usd=1.5, refused_retries=6, saved_usd=0.1, rule="x", prices="list")
        rows = money_rows(with_(healed, money=money))
        assert [row["what"] for row in rows] == [
            "attempt 1",
            "attempt 2",
            "attempt 3",
            "spent",
            "not spent on 6 refused retries",
        ]
        assert {tuple(row) for row in rows} == {("what", "USD", "note")}


def test_a_fault_that_hid_another_is_named(healed: Incident) -> None:
    """In the story and beside the diagnosis."""
    second = with_(healed.attempts[1], masked_by=Cause.MISSING_ENV_VAR)
    report = render_markdown(with_(healed, attempts=(healed.attempts[0], second, healed.attempts[2])))
    assert "It had been hidden by `missing_env_var` until that was cleared." in report
    assert "- **Hidden until now:** behind `missing_env_var`, which had to be cleared first" in report


class TestLockedOut:
    """The report of an incident that a person must end."""

    def test_says_that_a_person_must_act_and_on_what(self, locked_out: Incident) -> None:
        """The reason and the steps left come before every table."""
        report = render_markdown(locked_out)
        assert "a person must act" in report.splitlines()[2]
        told = section(report, "What happened")
        assert "**Why it ended so:** the only remedy was declined." in told
        steps = [line for line in told.splitlines() if line.startswith("1. ")]
        assert steps == [
            "1. Clear what made attempt 1 fail: the variable SOLVER_THREADS is not set.",
            "1. Check by hand what could not be checked: the queue's quota: not allowed.",
            "1. Decide on what was proposed and not done: change 1, “set SOLVER_THREADS from the catalogue”.",
        ]

    def test_says_what_was_not_measured(self, locked_out: Incident) -> None:
        """Missing outputs and figures are named as missing."""
        report = render_markdown(locked_out)
        assert "None were checked." in section(report, "Declared outputs")
        assert "None were recorded." in section(report, "Metrics")

    def test_names_a_change_that_is_still_in_place(self, locked_out: Incident) -> None:
        """A person is told of what was written to the account and did not help."""
        report = render_markdown(with_(locked_out, changes=(a_change(1),)))
        assert "1. Keep or undo what is still in place: change 1" in report

    def test_without_diagnosis_says_so(self, locked_out: Incident) -> None:
        """An attempt that was not diagnosed is not passed over."""
        report = render_markdown(with_(locked_out, attempts=(an_attempt(1),), changes=()))
        assert "Attempt 1 failed and was not diagnosed." in report
        assert "1. Find out why the job fails: there is no diagnosis to go by." in report
        assert "Nothing was changed, and no change was proposed." in report


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.OPEN, "still open"),
        (Verdict.HEALTHY, "succeeded at the first attempt; nothing was changed"),
        (Verdict.EXHAUSTED, "still fails after 3 attempts, and 10 is the limit: a person must act"),
        (Verdict.REPORTED, "the failure is explained below and nothing was changed"),
    ],
)
def test_every_verdict_is_a_sentence(healed: Incident, verdict: Verdict, said: str) -> None:
    """Each way to end has its own words."""
    assert said in render_markdown(with_(healed, verdict=verdict)).splitlines()[2]


def test_a_healthy_job_leaves_nothing_to_do(healed: Incident) -> None:
    """A report without trouble says that there is nothing to do."""
    fields = {"verdict": Verdict.HEALTHY, "attempts": (healed.attempts[2],), "changes": (), "reason": ""}
    report = render_markdown(with_(healed, **fields))
    assert "There is nothing to do." in report
    assert "No reason was recorded." in report
    assert "What failed" not in report


def test_an_open_incident_says_how_to_go_on(healed: Incident) -> None:
    """A report written while the loop runs, or was killed, says so and shows what is there."""
    attempts = (an_attempt(1, state=None, job_id=None), an_attempt(2, state=JobState.RUNNING, stopped_at=None))
    report = render_markdown(with_(healed, verdict=Verdict.OPEN, attempts=attempts, changes=()))
    assert "Attempt 1 was about to be submitted. Attempt 2 has not ended." in report
    assert "run the same command again" in report
    assert "| 1 | – | not submitted |" in report  # noqa: RUF001 - the dash of an empty cell
    assert "There were none." in render_markdown(with_(healed, attempts=()))


def test_a_success_without_its_outputs_is_a_failure(healed: Incident) -> None:
    """An attempt that exits 0 without its outputs is shown as failed, with the output at fault."""
    bad = OutputCheck(uri="s3://grid/out/schedule.csv", ok=False, detail="missing")
    attempt = an_attempt(1, state=JobState.SUCCEEDED, exit_code=0, outputs=(bad,))
    report = render_markdown(with_(healed, attempts=(attempt,)))
    assert "SUCCEEDED without valid outputs" in report
    assert "| `s3://grid/out/schedule.csv` | **no** | missing |" in report
    assert "### Attempt 1" in report


def test_a_long_log_is_cut_and_says_by_how_much(healed: Incident) -> None:
    """A report stays readable: of a long log the end is shown, of a long line the beginning."""
    lines = (*(f"line {number}" for number in range(LOG_LINES + 50)), "x" * 10_000_000)
    report = render_markdown(with_(healed, attempts=(an_attempt(1, log_excerpt=lines),)))
    assert "(51 earlier lines left out)" in report
    assert "(9,999,500 characters left out)" in report
    assert "line 50\n" not in report
    assert "line 51\n" in report
    assert len(report) < 20_000


class TestRows:
    """The same facts as rows."""

    def test_hold_plain_strings(self, healed: Incident) -> None:
        """Every row has the same columns, and text in each."""
        for rows in (attempt_rows(healed), change_rows(healed)):
            assert len({tuple(row) for row in rows}) == 1
            assert {type(cell) for row in rows for cell in row.values()} == {str}
            assert all(cell for row in rows for cell in row.values())

    def test_show_attempts_and_changes(self, healed: Incident) -> None:
        """The rows say what the report says."""
        assert [row["state"] for row in attempt_rows(healed)] == ["FAILED", "FAILED", "SUCCEEDED"]
        assert change_rows(healed)[1] == {
            "change": "`change-2`",
            "after attempt": "2",
            "remedy": "`raise_memory`",
            "level": "A1, within caps and reversible",
            "state": "verified",
            "summary": "raise the memory to 1024 MiB",
            "note": "read back",
            "settled": "2026-05-04 03:03:01 UTC",
        }

    def test_of_nothing_are_none(self, healed: Incident) -> None:
        """An incident without attempts has no rows."""
        assert attempt_rows(with_(healed, attempts=())) == []


class TestHostileIncident:
    """An incident whose every text is from an enemy."""

    @given(values(Incident))
    @settings(max_examples=150, deadline=None)
    def test_is_a_report_of_text_and_code(self, incident: Incident) -> None:
        """No text of an incident becomes a link, an image, HTML or a heading, or breaks a table."""
        report = render_markdown(incident)
        assert {token.type for line in inlines(report) for token in line} <= PLAIN
        assert "html_block" not in block_types(report)
        failed, changes = sum(map(has_failed, incident.attempts)), len(incident.changes)
        trials = any(attempt.without for attempt in incident.attempts)
        parts = trials + (incident.fleet is not None) + bool(patch_lines(incident))
        assert len(headings(report)) == 7 + (failed > 0) + failed + changes + parts
        assert set(row_widths(report)) <= {9, 6, 3, 2}
        assert row_widths(report).count(9) == len(incident.attempts) + bool(incident.attempts)
        assert report.encode("utf-8").decode("utf-8") == report

    @pytest.mark.parametrize("evil", [*ATTACKS, "\n\n".join(ATTACKS)])
    def test_gains_nothing_from_an_attack_in_every_text(self, healed: Incident, evil: str) -> None:
        """One evil text in every field is shown each time and works nowhere."""
        report = render_markdown(poisoned(healed, evil))
        assert {token.type for line in inlines(report) for token in line} <= PLAIN
        assert block_types(report) == block_types(render_markdown(poisoned(healed, evil_but_tame(evil))))

    def test_is_not_a_template(self, healed: Incident) -> None:
        """A text with braces is not computed."""
        assert "{{ 7 \\* 7 }}" in render_markdown(healed.model_copy(update={"target": "{{ 7 * 7 }}"}))


def evil_but_tame(evil: str) -> str:
    """A harmless text with as many lines, so that it takes the same kind of place."""
    return "x\ny" if "\n" in visible(evil).strip() else "x"


def poisoned(incident: Incident, evil: str) -> Incident:
    """The incident with one text in every field of outside origin."""
    diagnosis = incident.attempts[0].diagnosis
    assert diagnosis is not None
    sick = with_(diagnosis, subject=evil, summary=evil, signature=evil, not_checked=(evil,))
    texts = {"job_name": evil, "job_id": evil, "definition": evil, "image": evil, "status_reason": evil}
    attempts = tuple(with_(one, **texts, diagnosis=sick, log_excerpt=(evil,)) for one in incident.attempts)
    change = {"change_id": evil, "remedy": evil, "summary": evil, "diff": evil, "permanent": evil, "undo": evil}
    change |= {"cost": evil, "blast_radius": evil}
    changes = tuple(with_(one, **change, note=evil, state=ChangeState.FAILED) for one in incident.changes)
    own = {"incident_id": evil, "target": evil, "reason": evil}
    return Incident.model_validate(with_(incident, **own, attempts=attempts, changes=changes).model_dump())


def test_what_is_not_markdown_is_escaped_by_the_template_itself() -> None:
    """A text that someone forgets to escape is escaped on the way out."""
    assert as_markdown("# <b>") == "\\# &lt;b&gt;"
    assert as_markdown(7) == "7"


def test_an_attempt_of_any_kind_has_a_row(healed: Incident) -> None:
    """A row needs no field that may be missing."""
    bare = AttemptRecord(number=1, job_name="j", definition="d", submitted_at=healed.opened_at)
    row = attempt_rows(with_(healed, attempts=(bare,), changes=()))[0]
    assert set(row.values()) == {"1", "not submitted", "–"}  # noqa: RUF001 - the dash of an empty cell
