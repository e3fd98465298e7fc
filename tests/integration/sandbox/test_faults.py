"""Each fault as a client of AWS would meet it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from flows.commands.sandbox import app
from recloser.sandbox import SandboxError
from recloser.sandbox.batch.faults import Faults
from tests.integration.sandbox.conftest import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.sandbox.conftest import Batch
    from tests.sandbox_fixture import SandboxUnderTest

pytestmark = pytest.mark.sandbox


@pytest.fixture
def faults(sandbox: SandboxUnderTest, batch: Batch) -> Iterator[Callable[..., dict[str, Any]]]:
    """Set faults; switched off afterwards."""
    yield sandbox.sandbox.faults
    sandbox.sandbox.faults(clear=True)


@pytest.fixture
def trying(sandbox: SandboxUnderTest) -> Iterator[Callable[[int], Any]]:
    """Make a client that tries so often."""
    made: list[Any] = []

    def make(attempts: int) -> Any:
        config = Config(retries={"mode": "standard", "total_max_attempts": attempts})
        made.append(
            sandbox.session().client("batch", endpoint_url=sandbox.admin["AWS_ENDPOINT_URL_BATCH"], config=config)
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


def test_status_shows_what_is_in_force(faults: Callable[..., Any], sandbox: SandboxUnderTest) -> None:
    """What is set is shown, by `status` too, and a misspelt fault is an error that sets nothing."""
    assert faults(throttle_tps=50, host_loss=2) == {"throttle_tps": 50, "host_loss": 2}
    assert sandbox.sandbox.status().faults == {"throttle_tps": 50, "host_loss": 2}
    with pytest.raises(SandboxError, match="hostloss"):
        faults(hostloss=1)
    assert faults(clear=True, host_loss=1) == {"host_loss": 1}


def test_throttling_is_a_429_that_boto3_outwaits(faults: Callable[..., Any], trying: Callable[[int], Any]) -> None:
    """Over the rate calls are refused; a client that tries again gets through."""
    faults(throttle_tps=1)
    once = trying(1)
    refused = until(lambda: refusal_or_none(once.describe_job_queues), bool)
    assert refused == (429, "TooManyRequestsException")
    trying(10).describe_job_queues()


def test_a_queue_holds_only_so_many_submitted_jobs(faults: Callable[..., Any], batch: Batch) -> None:
    """More than AWS's million, or what stands for it here, are refused; fewer are accepted."""
    faults(most_submitted=5)
    with pytest.raises(ClientError, match="at most 5 jobs in SUBMITTED"):
        batch.submit("true", arrayProperties={"size": 5})
    batch.run("true", arrayProperties={"size": 4})


def refusal_or_none(call: Callable[[], Any]) -> tuple[int, str] | None:
    """How a call is refused, if it is."""
    try:
        call()
    except ClientError as error:
        response: Any = error.response
        return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]
    return None


def test_a_share_of_calls_fails(faults: Callable[..., Any], trying: Callable[[int], Any]) -> None:
    """All of them at 100 %."""
    faults(api_error_percent=100)
    assert refusal_or_none(trying(1).describe_job_queues) == (500, "ServerException")


def test_jobs_are_known_late_and_forgotten_early(faults: Callable[..., Any], batch: Batch) -> None:
    """DescribeJobs lags behind SubmitJob, and what has ended vanishes."""
    faults(describe_lag_s=3600)
    job = batch.submit("true")
    assert batch.client.describe_jobs(jobs=[job])["jobs"] == []
    faults(clear=True)
    batch.wait(job)
    faults(forget_after_s=0.001)
    until(lambda: batch.client.describe_jobs(jobs=[job])["jobs"], lambda seen: seen == [])


def test_spot_interruption_warns_and_then_takes_the_host(faults: Callable[..., Any], batch: Batch) -> None:
    """The job gets SIGTERM, and ends as if its host was lost."""
    faults(spot_interruption=1)
    job = batch.run("sh", "-c", "trap 'echo warned; exit 0' TERM; sleep 60 & wait")
    assert (job["status"], job["statusReason"]) == ("FAILED", "Host EC2 (instance i-0123456789abcdef0) terminated.")
    assert "exitCode" not in job["container"]


def test_image_that_cannot_be_pulled(faults: Callable[..., Any], batch: Batch) -> None:
    """The next attempt fails to start, the one after does not."""
    assert faults(image_pull_failure=1) == {"image_pull_failure": 1}
    job = batch.run("true")
    assert job["statusReason"] == "Task failed to start"
    assert job["container"]["reason"].startswith("CannotPullContainerError: ")
    assert batch.run("true")["status"] == "SUCCEEDED"


def test_log_stream_that_never_exists(faults: Callable[..., Any], batch: Batch) -> None:
    """The stream is named, the job succeeds, and the stream is not there."""
    faults(log_stream_missing=1)
    job = batch.run("echo", "lost")
    assert job["status"] == "SUCCEEDED"
    with pytest.raises(batch.logs.exceptions.ResourceNotFoundException):
        batch.lines(job)
    assert batch.lines(batch.run("echo", "kept")) == ["kept"]


def test_attempts_stay_in_starting(faults: Callable[..., Any], batch: Batch) -> None:
    """A delayed attempt is seen in STARTING, and can be ended there."""
    faults(state_delay_s=3600)
    job = batch.submit("true")
    batch.wait(job, "STARTING")
    batch.client.terminate_job(jobId=job, reason="enough")
    assert batch.wait(job)["statusReason"] == "enough"


def test_time_scale_shortens_limits(faults: Callable[..., Any], batch: Batch) -> None:
    """A time limit of a minute is over in a moment."""
    faults(time_scale=600)
    job = batch.run("sleep", "300", timeout={"attemptDurationSeconds": 60})
    assert job["statusReason"] == "Job attempt duration exceeded timeout"


def test_command_line_has_an_option_for_each_fault(faults: Callable[..., Any], sandbox: SandboxUnderTest) -> None:
    """`recloser sandbox faults` sets, lists and clears; a value out of range is an error that names the fault."""

    def run(*options: str) -> str:
        result = CliRunner().invoke(app, ["faults", "--state-dir", str(sandbox.state_dir), *options])
        if result.exception is not None:
            return str(result.exception)
        return result.stdout

    assert run("--throttle-tps", "50", "--spot-interruption", "1") == "spot_interruption: 1\nthrottle_tps: 50.0\n"
    listed = run("--list")
    assert all(name in listed for name in Faults.model_fields)
    assert "throttle_tps: 50.0" in listed
    assert run("--clear", "--event-delay-s", "2") == "event_delay_s: 2.0\n"
    assert "api_error_percent" in run("--api-error-percent", "101")
    assert run("--clear") == "no faults in force\n"
