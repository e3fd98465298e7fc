"""`recloser diagnose` and `recloser signatures` as a person or a script calls them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import COMMANDS, assemble

DOCUMENT = {
    "id": "a",
    "status_reason": "Essential container in task exited",
    "container_reason": None,
    "exit_code": 1,
    "log_tail": ["[bold]step 1[/bold]", "botocore.exceptions.NoCredentialsError: Unable to locate credentials"],
}
SIGNATURES = """
[[signature]]
id = "licence-server"
cause = "dependency_service"
step = "log"
tier = "distinct"
where = ["log"]
any = ["licence server … did not answer"]
source = "owner/repository#1"
examples = ["FATAL: licence server lic-3 did not answer in time"]
counter_examples = ["INFO: licence server found"]
"""


def run(*words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    result = CliRunner().invoke(assemble(words[0]), list(words))
    return result.exit_code, result.stdout, result.stderr


def evidence(folder: Path, *documents: object) -> str:
    """A file of evidence."""
    file = folder / "evidence.json"
    file.write_text(json.dumps(documents))
    return str(file)


def test_json_is_one_answer_a_document(tmp_path: Path) -> None:
    """Ids in the order of the file, each with its cause and how sure that is."""
    code, out, _ = run(
        "diagnose", "--format", "json", "--evidence", evidence(tmp_path, DOCUMENT, DOCUMENT | {"id": "b"})
    )
    answers = json.loads(out)
    assert code == 0
    assert [answer["id"] for answer in answers] == ["a", "b"]
    assert answers[0]["cause"] == "credentials_missing"
    assert 0.5 <= answers[0]["confidence"] <= 1
    assert any("names a job role; ask with `aws batch describe" in gap for gap in answers[0]["not_checked"])
    assert answers[0]["evidence"] == [{"source": "log", "text": DOCUMENT["log_tail"][1]}]


def test_text_says_what_to_do_and_is_no_markup(tmp_path: Path) -> None:
    """Cause, evidence, owner and advice; what a job printed stays what it is."""
    code, out, _ = run("diagnose", "--evidence", evidence(tmp_path, DOCUMENT | {"id": "[red]x[/red]"}))
    assert code == 0
    assert "[red]x[/red]  credentials_missing" in out
    for words in ("NoCredentialsError", "job role", "set_job_role", "not checked"):
        assert words in out


def test_unknown_says_what_was_suspected(tmp_path: Path) -> None:
    """Below the threshold nothing is named, and the suspicion is shown as one."""
    code, out, _ = run("diagnose", "--evidence", evidence(tmp_path, DOCUMENT | {"log_tail": ["KeyError: 'A_BUCKET'"]}))
    assert code == 0
    assert "unknown: " in out
    assert "missing_env_var" in out
    assert "fingerprint" in out


def test_secrets_of_a_log_are_not_repeated(tmp_path: Path) -> None:
    """Whatever looks like a secret is taken out of the evidence that is shown."""
    line = "psycopg2.OperationalError: could not connect to server postgresql://app:hunter22secret@db/x"
    for form in ("json", "text"):
        _, out, _ = run("diagnose", "--format", form, "--evidence", evidence(tmp_path, DOCUMENT | {"log_tail": [line]}))
        assert "dependency_service" in out
        assert "hunter22secret" not in out


@pytest.mark.parametrize(
    "words",
    [("diagnose",), ("diagnose", "job-1", "--evidence", "x.json"), ("diagnose", "--evidence", "nothing.json")],
)
def test_bad_calls_are_one_message(words: tuple[str, ...]) -> None:
    """One line on standard error, nothing on standard output."""
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("recloser: ")
    assert len(err.splitlines()) == 1


def test_a_signature_is_explained_by_id_and_by_text() -> None:
    """Both ways in: the id a report names, and a line somebody found."""
    assert "docker storage" in run("signatures", "explain", "s042")[1]
    assert "oom (" in run("signatures", "explain", "fork: Cannot allocate memory")[1]
    assert "S042" in run("signatures", "list", "--cause", "disk_full")[1]
    assert run("signatures", "show", "no-such")[0] == 2


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (("", ""), 0, "1 signatures, 0 errors"),
        (("did not answer in time", "was silent"), 1, "does not match its example"),
        (("licence server found", "licence server x did not answer"), 1, "matches its counter-example"),
        (('id = "licence-server"', 'id = "S042"'), 0, "this id is taken"),
        (("dependency_service", "no_such_cause"), 2, "cause"),
        (("[[signature]]", "[[signature"), 2, "not valid TOML"),
    ],
)
def test_a_file_of_signatures_is_tested(tmp_path: Path, change: tuple[str, str], code: int, said: str) -> None:
    """Form, examples, counter-examples and names; the exit code says how bad it is."""
    file = tmp_path / "own.toml"
    file.write_text(SIGNATURES.replace(*change) if change[0] else SIGNATURES)
    found, out, err = run("signatures", "test", str(file))
    assert found == code
    assert said in out + err


@pytest.mark.parametrize("command", ["diagnose", "signatures"])
def test_a_diagnosis_from_a_file_waits_for_no_library(tmp_path: Path, command: str) -> None:
    """Neither Prefect nor boto3 is imported."""
    words = {"diagnose": ["diagnose", "--evidence", evidence(tmp_path, DOCUMENT)], "signatures": ["signatures", "list"]}
    code = (
        "import sys\nfrom flows.cli import main\n"
        f"sys.argv = ['recloser', *{words[command]!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'prefect', 'boto3', 'botocore', 'pandas', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_command_is_there() -> None:
    """The help of the whole command line names them all."""
    out = CliRunner().invoke(assemble(), ["--help"]).stdout
    assert [command for command in COMMANDS if command not in out] == []


def test_a_good_run_s_log_silences_what_both_have(tmp_path: Path) -> None:
    """The cause that only usual lines spoke for is ruled out, and what is new is shown; a file is needed to compare."""
    good = tmp_path / "good.log"
    good.write_text("step 2\nbotocore.exceptions.NoCredentialsError: Unable to locate credentials\n")
    file = evidence(tmp_path, DOCUMENT | {"log_tail": [*DOCUMENT["log_tail"], "odd [bold]thing[/bold]"]})
    _, out, _ = run("diagnose", "--format", "json", "--evidence", file, "--good-log", str(good))
    (answer,) = json.loads(out)
    assert (answer["cause"], answer["ruled_out"][0]["cause"]) == ("unknown", "credentials_missing")
    assert "odd [bold]thing[/bold]" in answer["unusual"]
    _, text, _ = run("diagnose", "--evidence", file, "--good-log", str(good))
    assert "not in the log of the last good run  odd [bold]thing[/bold]" in text
    assert run("diagnose", "some-job", "--good-log", str(good))[0] == 2
    code, _, said = run("diagnose", "--evidence", file, "--good-log", str(tmp_path / "none"))
    assert (code, "cannot be read" in said) == (2, True)
