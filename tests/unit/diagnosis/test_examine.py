"""Texts in, ranked causes out: precedence, order within a log, doubts, and the courage to say unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.diagnosis import (
    THRESHOLD,
    Signature,
    Symptoms,
    Tier,
    calibration,
    catalogue,
    cause_facts,
    examine,
    matches,
)
from recloser.diagnosis.authoring import review, symptoms_in
from recloser.diagnosis.symptoms import HEAD_LINES, TAIL_LINES
from recloser.values import Cause

ESSENTIAL = "Essential container in task exited"
OOM = "OutOfMemoryError: Container killed due to memory usage"
DENIED = "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the GetObject operation"
NO_KEY = "An error occurred (NoSuchKey) when calling the GetObject operation: The specified key does not exist."


def named(symptoms: Symptoms) -> Cause:
    """The cause that is named."""
    return examine(symptoms).cause


@pytest.mark.parametrize("signature", catalogue(), ids=lambda signature: signature.id)
def test_every_signature_matches_its_examples_and_no_counter_example(signature: object) -> None:
    """The catalogue's own words are its first test; patterns compile, captures too."""
    assert [problem for problem in review(signature) if problem.fatal] == []


@pytest.mark.parametrize("signature", catalogue(), ids=lambda signature: signature.id)
def test_every_phrase_of_a_signature_is_found_in_a_text_that_holds_it(signature: Signature) -> None:
    """A phrase that no text can match is knowledge that is not there; what reads texts shows one it was made for."""
    assert bool(signature.examples) or not (signature.any or signature.pattern)
    needed = [need.replace("…", "some thing") for need in signature.needs]
    for phrase in signature.any:
        text = ("\n" if "log" in signature.where[:1] else " ").join([phrase.replace("…", "some 7 thing"), *needed])
        found = matches(symptoms_in(signature.where[0], text, signature.exit_codes), catalogue())
        assert signature.id in {match.signature.id for match in found}, phrase


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("/usr/bin/env: \u2018bash\\r\u2019: No such file or directory", Cause.ENTRYPOINT_OR_COMMAND),
        ("run.sh: line 2: $'\\r': command not found", Cause.ENTRYPOINT_OR_COMMAND),
        ("OSError: [Errno 28] No space left on device: '/dev/shm/torch_1_2'", Cause.SHM_TOO_SMALL),
        ("OSError: [Errno 28] No space left on device: '/scratch/part'", Cause.DISK_FULL),
    ],
)
def test_one_detail_of_a_line_decides(line: str, cause: Cause) -> None:
    """A carriage return is no missing file, and a full `/dev/shm` no full disk."""
    assert named(Symptoms(status_reason=ESSENTIAL, log=(line,), exit_code=1)) is cause


def test_the_catalogue_is_complete() -> None:
    """Ids are unique; every cause can be named; every pattern has words that spare it most lines."""
    ids = [signature.id.lower() for signature in catalogue()]
    assert len(set(ids)) == len(ids)
    assert {signature.cause for signature in catalogue()} == set(Cause)
    assert [signature.id for signature in catalogue() if signature.pattern and not signature.words] == []
    assert set(cause_facts()) == set(Cause)


@pytest.mark.parametrize("signature", catalogue(), ids=lambda signature: signature.id)
def test_every_row_of_the_reference_names_its_cause(signature: object) -> None:
    """What a service states in its own words is named, in its own field, whatever else could be said of it."""
    if signature.tier not in {Tier.STATED, Tier.DISTINCT}:
        return
    for example in signature.examples:
        symptoms = symptoms_in(signature.where[0], example, signature.exit_codes)
        assert named(symptoms) is signature.cause, example


@pytest.mark.parametrize(
    ("symptoms", "cause"),
    [
        (Symptoms(status_reason="Operator cancelled", container_reason=OOM, exit_code=137), Cause.USER_CANCELLED),
        (Symptoms(status_reason="Job attempt duration exceeded timeout", exit_code=137), Cause.TIMEOUT),
        (Symptoms(status_reason="Host EC2 (instance i-0abc) terminated.", log=(DENIED,)), Cause.SPOT_INTERRUPTION),
        (Symptoms(status_reason=ESSENTIAL, container_reason=OOM, exit_code=0), Cause.OOM),
        (Symptoms(status_reason=ESSENTIAL, exit_code=1), Cause.UNKNOWN),
        (Symptoms(status_reason=ESSENTIAL, container_reason=ESSENTIAL + ".", exit_code=137), Cause.UNKNOWN),
        (Symptoms(status_reason=ESSENTIAL, exit_code=139), Cause.APP_CRASH),
        (Symptoms(status_reason="stopped at last", stopped=True, exit_code=143), Cause.USER_CANCELLED),
        (
            Symptoms(
                status_reason="Canceled by JobStateTimeLimit action due to reason: MISCONFIGURATION:JOB_RESOURCE_REQ"
            ),
            Cause.COMPUTE_ENV_INVALID,
        ),
        (Symptoms(), Cause.UNKNOWN),
    ],
)
def test_the_order_of_evidence_decides(symptoms: Symptoms, cause: Cause) -> None:
    """A stop, a limit, a lost host and a memory reason come before logs, and logs before a bare exit code."""
    assert named(symptoms) is cause


def test_what_a_job_survived_did_not_end_it() -> None:
    """The last finding decides; an earlier one that is retried is doubted, and the doubt is said."""
    retried = f"WARN retrying after {DENIED}"
    assert named(Symptoms(exit_code=1, log=(DENIED, "ok", NO_KEY))) is Cause.FILE_NOT_FOUND
    doubted = examine(Symptoms(exit_code=1, log=(retried, "done 7 of 9")))
    assert doubted.cause is Cause.UNKNOWN
    assert doubted.candidates[0].doubts


def test_the_first_failure_beats_its_symptoms() -> None:
    """What a killed process did not write is missing afterwards; that is no second cause."""
    log = ("run.sh: line 4: 77 Killed ./align", "FileNotFoundError: [Errno 2] No such file or directory: 'out.bam'")
    assert named(Symptoms(exit_code=1, log=log)) is Cause.OOM


def test_the_first_of_a_chain_of_exceptions_is_the_cause() -> None:
    """An exception raised while another was handled is a consequence."""
    log = (DENIED, "During handling of the above exception, another exception occurred:", NO_KEY)
    assert named(Symptoms(exit_code=1, log=log)) is Cause.S3_PERMISSION


def test_an_exception_raised_from_another_explains_it() -> None:
    """`raise … from` is the program's own explanation of what went wrong."""
    log = ("OSError: [Errno 28] No space left on device", "The above exception was the direct cause of the following")
    assert named(Symptoms(exit_code=1, log=(*log, "RuntimeError: out of shared memory"))) is Cause.SHM_TOO_SMALL


def test_a_queue_that_cancels_is_no_person() -> None:
    """Batch marks a job that its queue's time limit cancelled like one that a person stopped."""
    reason = "Canceled by JobStateTimeLimit action due to reason: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
    assert named(Symptoms(status_reason=reason, stopped=True)) is Cause.RUNNABLE_RESOURCE_REQUIREMENT


def test_a_success_is_not_diagnosed_from_a_line_of_its_log() -> None:
    """A container that exited 0 may print what it likes."""
    assert named(Symptoms(exit_code=0, log=(DENIED,))) is Cause.UNKNOWN


def test_two_causes_that_share_a_text_are_not_named() -> None:
    """What only a probe can decide stays below the threshold, with what would settle it."""
    finding = examine(Symptoms(exit_code=1, log=("KeyError: 'STATION_BUCKET'",)))
    assert finding.cause is Cause.UNKNOWN
    assert finding.candidates[0].cause is Cause.MISSING_ENV_VAR
    assert finding.candidates[0].confirmed_by


@pytest.mark.parametrize("change", [str.upper, str.lower, str.swapcase, lambda text: f"  {text}\r\n"])
@pytest.mark.parametrize("example", [OOM, DENIED, NO_KEY, "exec /run.sh: exec format error", "Host EC2 Terminated"])
def test_case_and_blanks_do_not_count(example: str, change: object) -> None:
    """A service may write as it likes."""
    for where in ("status_reason", "container_reason", "log"):
        assert named(symptoms_in(where, change(example))) is named(symptoms_in(where, example))


def test_noise_around_the_line_does_not_count() -> None:
    """Two hundred lines before and thirty after change nothing."""
    noise = tuple(f"2026-11-21 08:00:{n % 60:02d} INFO step {n} done in {n / 7:.2f} s" for n in range(200))
    finding = examine(Symptoms(exit_code=1, log=(*noise, NO_KEY, *noise[:30])))
    assert finding.cause is Cause.FILE_NOT_FOUND
    assert finding.candidates[0].evidence[-1].text == NO_KEY


@given(
    st.one_of(st.none(), st.text(max_size=400)),
    st.one_of(st.none(), st.text(max_size=400)),
    st.one_of(st.none(), st.integers(-(2**31), 2**32)),
    st.lists(st.text(max_size=200), max_size=20),
)
def test_any_text_has_an_answer(status: str | None, reason: str | None, code: int | None, log: list[str]) -> None:
    """Whatever is printed: one answer, named exactly from the threshold on."""
    finding = examine(Symptoms(status, reason, code, tuple(log)))
    assert 0 <= finding.confidence < 1
    if finding.cause is not Cause.UNKNOWN:
        assert finding.confidence >= THRESHOLD
        assert finding.candidates[0].cause is finding.cause


WORDS = sorted(
    {word for signature in catalogue() for text in (*signature.any, *signature.words) for word in text.split()}
)


@given(st.lists(st.sampled_from(WORDS), max_size=30), st.integers(1, 3))
def test_hostile_text_never_hangs(words: list[str], times: int) -> None:
    """A line made of what signatures look for, again and again, is cut and answered."""
    line = " ".join(words * 200 * times)
    assert examine(Symptoms(container_reason=line, log=(line,) * 3)).fingerprint


def test_a_line_of_ten_megabytes_is_cut() -> None:
    """Its head and its tail are read."""
    finding = examine(Symptoms(exit_code=1, log=("a error:" * 1_250_000 + NO_KEY,)))
    assert finding.cause is Cause.FILE_NOT_FOUND
    assert len(finding.candidates[0].evidence[0].text) < 5_000


def test_the_middle_of_a_long_log_is_a_gap() -> None:
    """What was not read is said."""
    lines = ("step",) * (HEAD_LINES + TAIL_LINES + 5)
    symptoms = Symptoms(exit_code=1, log=(*lines, NO_KEY))
    assert named(symptoms) is Cause.FILE_NOT_FOUND
    assert symptoms.gaps == ("log: 6 lines between the first 1,000 and the last 10,000",)


def test_reliability_is_counted_and_shrunk() -> None:
    """Each tier is worth what was measured; what the evidence does not decide stays below the threshold."""
    table = calibration()
    worth = [table.reliability(tier) for tier in Tier]
    assert worth == sorted(worth, reverse=True)
    assert table.reliability(Tier.UNDECIDED) < THRESHOLD


def test_a_match_carries_the_named_parts() -> None:
    """Captures feed subjects and remedies; each distinct value once."""
    log = ("run.sh: line 3: OUT_DIR: unbound variable", "run.sh: line 9: OUT_DIR: unbound variable")
    found = next(
        match for match in matches(Symptoms(exit_code=1, log=log), catalogue()) if match.signature.id == "S093"
    )
    assert found.captures["variable"] == ("OUT_DIR",)
