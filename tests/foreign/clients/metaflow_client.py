"""Runs three jobs with Metaflow's own Batch client; prints what came of them as JSON."""

import json
import os
import sys
import time
from typing import Any

from metaflow import __version__ as version
from metaflow.plugins.aws.batch.batch_client import BatchClient

client = BatchClient()
# job_def() wants every one of these named.
UNUSED = (
    *("execution_role", "shared_memory", "max_swap", "swappiness", "inferentia", "efa", "host_volumes", "efs_volumes"),
    *("use_tmpfs", "tmpfs_tempdir", "tmpfs_size", "tmpfs_path", "num_parallel", "ephemeral_storage", "log_driver"),
    *("log_options", "privileged"),
)


def start(name: str, script: str) -> Any:
    """Submit a script with two attempts."""
    job, image, role, queue = client.job(), os.environ["IMAGE"], os.environ["ROLE"], os.environ["QUEUE"]
    job.job_name(f"metaflow-{name}").job_queue(queue).command(["sh", "-c", script]).image(image).iam_role(role)
    job.cpu(1).memory(256).timeout_in_secs(60).attempts(2).environment_variable("COLOUR", "red").tag("app", "metaflow")
    unused = dict.fromkeys(UNUSED)
    job.job_def(image=image, iam_role=role, job_queue=queue, memory=256, **unused)
    return job.execute()


def shown(job: Any) -> dict[str, Any]:
    """What the client knows of a job."""
    return {
        "status": job.status,
        "successful": job.is_successful,
        "exit_code": job.status_code,
        "attempts": len(job.info["attempts"]),
    }


good, bad, held = start("good", 'test "$COLOUR" = red'), start("bad", "exit 3"), start("held", "sleep 600")
while not (good.is_done and bad.is_done and held.is_running):
    time.sleep(0.1)
unfinished = [job["jobId"] for job in client.unfinished_jobs()]
held.kill()
while not held.is_done:
    time.sleep(0.1)
answer = {"version": version, "good": shown(good), "bad": shown(bad), "held": shown(held)}
sys.stdout.write(json.dumps({**answer, "held_was_unfinished": held.id in unfinished}) + "\n")
