"""Evidence in, cause out: precedence, probes, look-alikes, and the courage to say unknown."""

from pathlib import Path

import pytest

from recloser.diagnosis import catalogue
from recloser.healing.diagnosis import THRESHOLD, diagnose
from recloser.healing.probes import PROBES
from recloser.healing.remedies import REMEDIES
from recloser.values import Cause, Diagnosis, Evidence, OutputCheck
from tests.unit.healing.fakes import FakeAccount, a_site, a_target, failed

OOM = "OutOfMemoryError: Container killed due to memory usage"
MISSING = "KeyError: 'required environment variable OPTIMO_INPUT_DIR is not set'"
DENIED = "ERROR cannot read s3://data/load.csv: An error occurred (AccessDenied) when calling the GetObject operation"


def diagnosed(evidence: Evidence, account: FakeAccount | None = None, **tables: object) -> Diagnosis:
    """Diagnose evidence in a fake account."""
    return diagnose(a_site(a_target(Path(), **tables), account or FakeAccount()), evidence)


def test_every_signature_is_complete() -> None:
    """The probes and remedies that the catalogue names exist; repairing a request is the submitter's, not ours."""
    for signature in catalogue():
        assert set(signature.probes) <= set(PROBES)
        assert set(signature.remedies) <= {*REMEDIES, "repair_request"}


@pytest.mark.parametrize(
    ("evidence", "cause"),
    [
        (failed(container_reason=OOM, exit_code=137), Cause.OOM),
        (failed(container_reason=OOM, exit_code=0), Cause.OOM),
        (failed(status_reason="Job attempt duration exceeded timeout", exit_code=137), Cause.TIMEOUT),
        (failed(status_reason="Host EC2 (instance i-0abc) terminated.", exit_code=None), Cause.SPOT_INTERRUPTION),
        (failed(status_reason="stop it", exit_code=143, is_terminated=True), Cause.USER_CANCELLED),
        (failed(MISSING), Cause.MISSING_ENV_VAR),
        (failed("File os.py in os.environ", "KeyError: 'REGION_NAME'"), Cause.MISSING_ENV_VAR),
        (failed("run.sh: line 3: OUT_DIR: unbound variable"), Cause.MISSING_ENV_VAR),
        (failed("KeyError: 'pmax'"), Cause.APP_ERROR),
        (failed("MemoryError: std::bad_alloc"), Cause.OOM),
        (
            failed("The problem is infeasible. (HiGHS Status 8: model_status is Infeasible)", exit_code=3),
            Cause.APP_ERROR,
        ),
        (failed(exit_code=139), Cause.APP_CRASH),
    ],
)
def test_a_failure_is_named_by_what_it_shows(evidence: Evidence, cause: Cause) -> None:
    """Reasons come before the log, and the log before a bare exit code."""
    found = diagnosed(evidence)
    assert (found.cause, found.confidence >= THRESHOLD) == (cause, True)


def test_a_stop_outranks_everything_the_log_says() -> None:
    """A person's decision is final, whatever the dying program printed."""
    found = diagnosed(failed(MISSING, status_reason="Terminated by alice", is_terminated=True, exit_code=137))
    assert found.cause is Cause.USER_CANCELLED
    assert found.remedies == ()


def test_exit_137_alone_decides_nothing() -> None:
    """Memory, a time limit and a stop look alike: unknown, no remedy, and what was seen is shown."""
    found = diagnosed(failed(exit_code=137))
    assert found.cause is Cause.UNKNOWN
    assert found.remedies == ()
    assert "137" in {line.text for line in found.evidence}


def test_the_failure_closest_to_the_end_decides() -> None:
    """What a job survived did not end it."""
    found = diagnosed(failed(DENIED, "retrying with the mirror", MISSING))
    assert found.cause is Cause.MISSING_ENV_VAR
    assert any(item.cause is Cause.S3_PERMISSION for item in found.ruled_out)


def test_a_variable_that_was_set_refutes_the_text() -> None:
    """The container's own environment is a better witness than a message."""
    found = diagnosed(failed(MISSING, environment={"OPTIMO_INPUT_DIR": "s3://x/"}))
    assert found.cause is not Cause.MISSING_ENV_VAR
    assert found.ruled_out[0].cause is Cause.MISSING_ENV_VAR


def test_a_simulated_denial_confirms_and_names_every_resource() -> None:
    """The probe asks the role's policies, and the subject is what the log named."""
    found = diagnosed(failed(DENIED, DENIED.replace("load", "buses")))
    assert found.confidence > 0.9
    assert found.subject == "s3:GetObject on arn:aws:s3:::data/load.csv, arn:aws:s3:::data/buses.csv"
    assert any(line.source == "probe" for line in found.evidence)


def test_a_denial_without_a_resource_is_not_checked() -> None:
    """The gap is named, and the diagnosis is believed less."""
    found = diagnosed(failed("An error occurred (AccessDenied) when calling the GetObject operation: Access Denied"))
    assert found.not_checked
    assert found.confidence < diagnosed(failed(DENIED)).confidence


def test_missing_inputs_are_found_by_looking() -> None:
    """The log says a key is missing; the account says which declared one."""
    account = FakeAccount()
    account.objects.bodies["s3://data/buses.csv"] = b"x"
    inputs = [{"uri": "s3://data/load.csv"}, {"uri": "s3://data/buses.csv"}]
    found = diagnosed(
        failed("botocore.errorfactory.NoSuchKey: The specified key does not exist."), account, inputs=inputs
    )
    assert found.subject == "s3://data/load.csv"


def test_a_success_without_outputs_is_a_failure_of_the_program() -> None:
    """Exit 0 is a claim; the missing output is the fact."""
    gone = OutputCheck(uri="s3://data/out.csv", ok=False, detail="does not exist")
    found = diagnosed(failed(exit_code=0, outputs=(gone,)))
    assert (found.cause, found.signature) == (Cause.APP_ERROR, "outputs-missing")


def test_look_alikes_are_ruled_out_by_name() -> None:
    """A reader sees which other causes were considered."""
    found = diagnosed(failed(container_reason=OOM, exit_code=137))
    assert {item.cause for item in found.ruled_out} >= {Cause.TIMEOUT, Cause.USER_CANCELLED, Cause.SPOT_INTERRUPTION}


def test_nothing_known_is_unknown() -> None:
    """No match is an honest answer, not an error."""
    found = diagnosed(failed("all fine", exit_code=7))
    assert (found.cause, found.confidence) == (Cause.UNKNOWN, 0.0)
