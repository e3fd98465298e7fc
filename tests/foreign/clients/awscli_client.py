"""Runs three jobs with the `aws` command line alone; prints what came of them as JSON."""

import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

AWS = str(Path(sys.executable).parent / "aws")
SIZES = "resourceRequirements=[{type=VCPU,value=1},{type=MEMORY,value=256}]"


def aws(*words: str) -> Any:
    """Run a command; what it answers."""
    done = subprocess.run([AWS, *words, "--output", "json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout) if done.stdout.strip() else None


def submit(name: str, command: str, *more: str) -> str:
    """Submit a shell command; the job's id."""
    overrides = json.dumps({"command": ["sh", "-c", command]})
    where = ("--job-name", name, "--job-queue", os.environ["QUEUE"], "--job-definition", "awscli")
    return str(aws("batch", "submit-job", *where, "--container-overrides", overrides, *more)["jobId"])


def wait(job_id: str, *states: str) -> Any:
    """The job as soon as it is in one of the states."""
    while True:
        (job,) = aws("batch", "describe-jobs", "--jobs", job_id)["jobs"]
        if job["status"] in states:
            return job
        time.sleep(0.2)


container = f"image={os.environ['IMAGE']},command=[true],{SIZES}"
register = ("register-job-definition", "--job-definition-name", "awscli", "--type", "container")
aws("batch", *register, "--container-properties", container)
good = submit("awscli-good", "echo hello from $AWS_BATCH_JOB_ID")
array = submit("awscli-array", "exit $AWS_BATCH_JOB_ARRAY_INDEX", "--array-properties", "size=2")
held = submit("awscli-held", "sleep 600")
wait(held, "RUNNING")
aws("batch", "terminate-job", "--job-id", held, "--reason", "enough")
ended = {
    name: wait(job_id, "SUCCEEDED", "FAILED") for name, job_id in (("good", good), ("array", array), ("held", held))
}
stream = ended["good"]["container"]["logStreamName"]
log = aws("logs", "get-log-events", "--log-group-name", "/aws/batch/job", "--log-stream-name", stream)
children = aws("batch", "list-jobs", "--array-job-id", array, "--job-status", "FAILED")
answer = {
    "version": version("awscli"),
    "states": {name: job["status"] for name, job in ended.items()},
    "reason": ended["held"]["statusReason"],
    "said": [event["message"].replace(good, "ID") for event in log["events"]],
    "failed": [job["arrayProperties"]["index"] for job in children["jobSummaryList"]],
}
sys.stdout.write(json.dumps(answer) + "\n")
