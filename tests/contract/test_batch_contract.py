"""What AWS Batch promises its callers, tried by boto3 on the sandbox and, when it is named, on a real account.

Only what AWS documents is asserted here; what the sandbox says in more detail is in `test_batch_sandbox.py`.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import refusal

if TYPE_CHECKING:
    from tests.contract.conftest import Account

pytestmark = [pytest.mark.contract, pytest.mark.sandbox, pytest.mark.timeout(3600)]
UNKNOWN = "00000000-0000-0000-0000-000000000000"


def ids(listed: dict[str, Any]) -> list[str]:
    """Ids in an answer of ListJobs."""
    return [job["jobId"] for job in listed["jobSummaryList"]]


class TestSubmission:
    """What is accepted and what is refused."""

    def test_one_character_is_a_name(self, account: Account) -> None:
        """A job's name may be one letter."""
        job = account.run(jobName="x")
        assert (job["jobName"], job["status"], job["container"]["exitCode"]) == ("x", "SUCCEEDED", 0)

    @pytest.mark.parametrize(
        "change",
        [
            {"jobName": "-x"},
            {"jobName": "x" * 129},
            {"jobQueue": "recloser-no-such-queue"},
            {"jobDefinition": "recloser-no-such-definition"},
            {"arrayProperties": {"size": 1}},
            {"arrayProperties": {"size": 10_001}},
            {"dependsOn": [{"jobId": UNKNOWN}]},
            {"dependsOn": [{"type": "SEQUENTIAL"}]},
            {"timeout": {"attemptDurationSeconds": 59}},
            {"retryStrategy": {"attempts": 11}},
            {"retryStrategy": {"evaluateOnExit": [{"onExitCode": "1", "action": "EXIT"}]}},
            {"retryStrategy": {"attempts": 2, "evaluateOnExit": [{"onExitCode": "1", "action": "EXIT"}] * 6}},
            {"retryStrategy": {"attempts": 2, "evaluateOnExit": [{"onReason": "x" * 513, "action": "EXIT"}]}},
            {"retryStrategy": {"attempts": 2, "evaluateOnExit": [{"onExitCode": "one", "action": "EXIT"}]}},
            {"shareIdentifier": "share"},
            {"tags": {f"tag-{number}": "" for number in range(51)}},
        ],
        ids=lambda change: f"{next(iter(change))}-{str(change)[:40]}",
    )
    def test_beyond_the_limits_is_refused(self, account: Account, change: dict[str, Any]) -> None:
        """What is out of bounds is a ClientException and no job."""
        refusal(account.client.submit_job, **{**self._good(account), **change})

    @staticmethod
    def _good(account: Account) -> dict[str, Any]:
        return {"jobName": "contract", "jobQueue": account.queue, "jobDefinition": account.definition}

    def test_too_many_dependencies_are_refused(self, account: Account) -> None:
        """A job waits for at most 20 others."""
        known = account.run()["jobId"]
        refusal(account.client.submit_job, **self._good(account), dependsOn=[{"jobId": known}] * 21)

    def test_parameters_have_defaults(self, account: Account) -> None:
        """Parameters of the submission stand before those of the definition."""
        command = ["sh", "-c", "exit $(($0 + $1))", "Ref::first", "Ref::second"]
        definition = account.define(parameters={"first": "1", "second": "2"}, container={"command": command})
        answer = account.client.submit_job(
            jobName="contract", jobQueue=account.queue, jobDefinition=definition, parameters={"second": "3"}
        )
        job = account.wait(answer["jobId"])
        assert (job["parameters"], job["container"]["exitCode"]) == ({"first": "1", "second": "3"}, 4)

    def test_timeout_of_the_submission_wins(self, account: Account) -> None:
        """Sixty seconds are accepted; without one of its own a job has the definition's."""
        definition = account.define(timeout={"attemptDurationSeconds": 120})
        own = account.run(jobDefinition=definition, timeout={"attemptDurationSeconds": 60})
        assert own["timeout"] == {"attemptDurationSeconds": 60}
        assert account.run(jobDefinition=definition)["timeout"] == {"attemptDurationSeconds": 120}


class TestArrays:
    """Many jobs in one."""

    def test_children_know_their_index_and_parents_count(self, account: Account) -> None:
        """Each child sees its own index; the parent fails with one of them and counts all."""
        parent = account.submit("exit $AWS_BATCH_JOB_ARRAY_INDEX", arrayProperties={"size": 3})
        job = account.wait(parent)
        assert (job["status"], job["arrayProperties"]["size"]) == ("FAILED", 3)
        assert {key: value for key, value in job["arrayProperties"]["statusSummary"].items() if value} == {
            "SUCCEEDED": 1,
            "FAILED": 2,
        }
        children = account.client.describe_jobs(jobs=[f"{parent}:{index}" for index in range(3)])["jobs"]
        assert sorted((child["arrayProperties"]["index"], child["container"]["exitCode"]) for child in children) == [
            (index, index) for index in range(3)
        ]
        failed = account.client.list_jobs(arrayJobId=parent, jobStatus="FAILED")
        assert sorted(ids(failed)) == [f"{parent}:1", f"{parent}:2"]
        assert ids(account.client.list_jobs(arrayJobId=parent)) == []

    def test_parent_succeeds_with_all_children(self, account: Account) -> None:
        """An array of two that succeed has succeeded."""
        assert account.run(arrayProperties={"size": 2})["status"] == "SUCCEEDED"

    def test_running_arrays_are_pending(self, account: Account) -> None:
        """While children run the parent is PENDING; ending it ends them."""
        parent = account.submit("sleep 900", arrayProperties={"size": 2})
        account.until(
            lambda: account.client.list_jobs(arrayJobId=parent, jobStatus="RUNNING"), lambda found: len(ids(found)) == 2
        )
        assert account.describe(parent)["status"] == "PENDING"
        account.end(parent)
        children = account.client.describe_jobs(jobs=[f"{parent}:0", f"{parent}:1"])["jobs"]
        assert [child["status"] for child in children] == ["FAILED"] * 2


class TestDependencies:
    """Who waits for whom."""

    def test_a_job_starts_after_what_it_depends_on(self, account: Account) -> None:
        """It is PENDING until then."""
        first = account.held()
        second = account.submit(dependsOn=[{"jobId": first}])
        assert account.wait(second, "PENDING")["status"] == "PENDING"
        account.end(first)
        failed = account.wait(second)
        assert (failed["status"], failed["attempts"]) == ("FAILED", [])
        third = account.submit("sleep 1")
        fourth = account.run(dependsOn=[{"jobId": third}])
        assert fourth["status"] == "SUCCEEDED"
        assert account.describe(third)["stoppedAt"] <= fourth["startedAt"]

    def test_n_to_n_is_index_by_index(self, account: Account) -> None:
        """Each child waits for, and fails with, its counterpart."""
        first = account.submit("exit $AWS_BATCH_JOB_ARRAY_INDEX", arrayProperties={"size": 2})
        second = account.submit(arrayProperties={"size": 2}, dependsOn=[{"jobId": first, "type": "N_TO_N"}])
        assert account.wait(second)["status"] == "FAILED"
        good, bad = account.describe(f"{second}:0"), account.describe(f"{second}:1")
        assert (good["status"], bad["status"], bad["attempts"]) == ("SUCCEEDED", "FAILED", [])

    def test_sequential_children_follow_each_other(self, account: Account) -> None:
        """One child at a time, in order."""
        parent = account.submit("sleep 0.1", arrayProperties={"size": 3}, dependsOn=[{"type": "SEQUENTIAL"}])
        assert account.wait(parent)["status"] == "SUCCEEDED"
        children = [account.describe(f"{parent}:{index}") for index in range(3)]
        for before, after in itertools.pairwise(children):
            assert before["stoppedAt"] <= after["startedAt"]


class TestRetries:
    """What is tried again."""

    def test_attempts_count_from_one(self, account: Account) -> None:
        """A job that fails once and then succeeds has two attempts."""
        job = account.run("exit $((2 - AWS_BATCH_JOB_ATTEMPT))", retryStrategy={"attempts": 3})
        assert job["status"] == "SUCCEEDED"
        assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [1, 0]

    @pytest.mark.parametrize(
        ("entries", "attempts"),
        [
            ([{"onExitCode": "3", "action": "EXIT"}], 1),
            ([{"onExitCode": "3*", "action": "exit"}, {"onReason": "*", "action": "RETRY"}], 1),
            ([{"onExitCode": "3", "onReason": "Host*", "action": "EXIT"}], 2),
            ([{"onExitCode": "4", "action": "EXIT"}], 2),
        ],
    )
    def test_conditions_decide(self, account: Account, entries: list[dict[str, str]], attempts: int) -> None:
        """All conditions of an entry must hold; what no entry matches is tried again."""
        job = account.run("exit 3", retryStrategy={"attempts": 2, "evaluateOnExit": entries})
        assert (job["status"], len(job["attempts"])) == ("FAILED", attempts)

    def test_definition_gives_the_strategy(self, account: Account) -> None:
        """A submission without a strategy has the definition's."""
        definition = account.define(retryStrategy={"attempts": 2})
        assert len(account.run("exit 1", jobDefinition=definition)["attempts"]) == 2

    def test_terminated_jobs_are_not_retried(self, account: Account) -> None:
        """TerminateJob ends the job, not the attempt."""
        held = account.held(retryStrategy={"attempts": 3})
        account.client.terminate_job(jobId=held, reason="enough")
        job = account.wait(held)
        assert (job["status"], job["statusReason"], len(job["attempts"])) == ("FAILED", "enough", 1)


class TestEnding:
    """CancelJob and TerminateJob, one and many."""

    def test_cancel_acts_before_the_start_only(self, account: Account) -> None:
        """A running job stays; the call succeeds all the same. A pending one ends with what it waits for."""
        running = account.held()
        waiting = account.submit(dependsOn=[{"jobId": running}])
        account.wait(waiting, "PENDING")
        for job_id in (running, waiting):
            account.client.cancel_job(jobId=job_id, reason="not wanted")
        assert account.describe(running)["status"] == "RUNNING"
        account.end(running)
        job = account.wait(waiting)
        assert (job["status"], job["attempts"]) == ("FAILED", [])

    def test_many_are_ended_at_once(self, account: Account) -> None:
        """Unknown ids count as done."""
        held = [account.held(), account.held()]
        answer = account.client.terminate_jobs(jobs=[*held, UNKNOWN], reason="all of you")
        assert sorted(answer["successful"]) == sorted([*held, UNKNOWN])
        assert answer["errors"] == []
        assert [account.wait(job_id)["statusReason"] for job_id in held] == ["all of you"] * 2
        assert account.client.cancel_jobs(jobs=[UNKNOWN], reason="none")["successful"] == [UNKNOWN]

    def test_limits(self, account: Account) -> None:
        """Fifty ids, 1024 characters of reason; one that ended stays as it is."""
        many = [f"{UNKNOWN[:-3]}{number:03}" for number in range(51)]
        refusal(account.client.terminate_jobs, jobs=many, reason="x")
        refusal(account.client.cancel_jobs, jobs=many, reason="x")
        done = account.run()["jobId"]
        refusal(account.client.terminate_job, jobId=done, reason="x" * 1025)
        account.client.terminate_job(jobId=done, reason="too late")
        account.client.cancel_job(jobId=done, reason="too late")
        assert account.describe(done)["status"] == "SUCCEEDED"


class TestLooking:
    """DescribeJobs and ListJobs."""

    def test_unknown_jobs_are_left_out(self, account: Account) -> None:
        """Up to 100 ids; what is not known is not there."""
        known = account.run()["jobId"]
        many = [known, *(f"{UNKNOWN[:-3]}{number:03}" for number in range(99))]
        assert [job["jobId"] for job in account.client.describe_jobs(jobs=many)["jobs"]] == [known]
        refusal(account.client.describe_jobs, jobs=[*many, UNKNOWN])

    def test_owner_is_exactly_one(self, account: Account) -> None:
        """A queue or an array, not both and not neither."""
        refusal(account.client.list_jobs)
        refusal(account.client.list_jobs, jobQueue=account.queue, arrayJobId=UNKNOWN)

    def test_running_is_the_default(self, account: Account) -> None:
        """Without a state only RUNNING jobs are listed."""
        held, done = account.held(), account.run()["jobId"]
        listed = account.until(
            lambda: ids(account.client.list_jobs(jobQueue=account.queue)), lambda found: held in found
        )
        assert done not in listed
        account.end(held)

    def test_filters(self, account: Account) -> None:
        """By name, definition and time, newest first, whatever the state; pages go on where the last one ended."""
        definition = account.define()
        name = f"Filtered-{account.run_id}"
        first, second = (
            account.run(jobName=f"{name}-{number}", jobDefinition=definition)["jobId"] for number in range(2)
        )
        account.run(arrayProperties={"size": 2}, jobName="elsewhere")
        created = account.describe(second)["createdAt"]

        def listed(kind: str, value: str, **more: Any) -> list[str]:
            request = {"jobQueue": account.queue, "filters": [{"name": kind, "values": [value]}], **more}
            return ids(account.client.list_jobs(**request))

        account.until(lambda: listed("JOB_NAME", f"{name}*"), lambda found: len(found) == 2)
        assert listed("JOB_NAME", f"{name.upper()}-0") == [first]
        assert listed("JOB_NAME", f"{name.lower()}*", jobStatus="RUNNABLE") == [second, first]
        assert listed("JOB_NAME", name) == []
        assert listed("JOB_DEFINITION", definition) == [second, first]
        assert first in listed("BEFORE_CREATED_AT", str(created))
        assert second not in listed("BEFORE_CREATED_AT", str(created))
        assert second in listed("AFTER_CREATED_AT", str(created - 1))
        assert not [job for job in listed("AFTER_CREATED_AT", str(created - 1)) if ":" in job]
        request = {"jobQueue": account.queue, "filters": [{"name": "JOB_NAME", "values": [f"{name}*"]}]}
        page = account.client.list_jobs(**request, maxResults=1)
        assert ids(page) == [second]
        assert ids(account.client.list_jobs(**request, maxResults=1, nextToken=page["nextToken"])) == [first]

    def test_one_filter_at_a_time(self, account: Account) -> None:
        """Two filters, or one nobody knows, are refused."""
        name = {"name": "JOB_NAME", "values": ["x"]}
        refusal(account.client.list_jobs, jobQueue=account.queue, filters=[name, name])
        refusal(account.client.list_jobs, jobQueue=account.queue, filters=[{"name": "COLOUR", "values": ["x"]}])


class TestQueues:
    """Queues live, close and die."""

    def test_a_disabled_queue_takes_nothing_and_finishes_what_it_has(self, account: Account) -> None:
        """It must be DISABLED before it is deleted."""
        queue = account.new_queue()
        refusal(account.client.delete_job_queue, jobQueue=queue)
        job = account.submit("sleep 1", jobQueue=queue)
        account.change_queue(queue, state="DISABLED")
        refusal(account.client.submit_job, jobName="late", jobQueue=queue, jobDefinition=account.definition)
        assert account.wait(job)["status"] == "SUCCEEDED"

    def test_time_limits_have_limits(self, account: Account) -> None:
        """A job may block its queue 600 to 86 400 seconds."""
        queue = account.new_queue()
        action = {"reason": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", "state": "RUNNABLE", "action": "CANCEL"}
        for seconds in (599, 86_401):
            refusal(
                account.client.update_job_queue,
                jobQueue=queue,
                jobStateTimeLimitActions=[{**action, "maxTimeSeconds": seconds}],
            )
        kept = account.change_queue(queue, jobStateTimeLimitActions=[{**action, "maxTimeSeconds": 600}])
        assert kept["jobStateTimeLimitActions"] == [{**action, "maxTimeSeconds": 600}]

    def test_environments_in_use_stay(self, account: Account) -> None:
        """A compute environment that a queue names, or that is ENABLED, is not deleted."""
        (queue,) = account.client.describe_job_queues(jobQueues=[account.queue])["jobQueues"]
        refusal(
            account.client.delete_compute_environment,
            computeEnvironment=queue["computeEnvironmentOrder"][0]["computeEnvironment"],
        )


class TestTags:
    """Tags of jobs and definitions."""

    def test_tags_are_shown_changed_and_removed(self, account: Account) -> None:
        """On a job and on a definition; children of arrays have none."""
        definition = account.define(tags={"from": "definition"})
        job = account.run(jobDefinition=definition, tags={"own": "1"})
        for arn, own in ((job["jobArn"], "own"), (definition, "from")):
            account.client.tag_resource(resourceArn=arn, tags={"more": "a b/c"})
            assert {own, "more"} <= set(account.client.list_tags_for_resource(resourceArn=arn)["tags"])
            account.client.untag_resource(resourceArn=arn, tagKeys=["more"])
            assert "more" not in account.client.list_tags_for_resource(resourceArn=arn)["tags"]
        parent = account.run(arrayProperties={"size": 2})
        refusal(account.client.tag_resource, resourceArn=f"{parent['jobArn']}:0", tags={"a": "b"})
