"""The job's row in the status table, which operators watch: one row per job id, overwritten by each attempt.

`status` is RUNNING, SUCCEEDED or FAILED, `phase` what it was doing, `heartbeat_at` when it was last heard of.
"""

import contextlib
import datetime as dt
import json
import logging
import threading

import boto3
from botocore.config import Config as BotoConfig

from optimo import storage

logger = logging.getLogger(__name__)

HEARTBEAT_S = 5.0


class Status:
    """Writes the row of one job.

    Args:
        table: Name of a DynamoDB table with the key `job_id`, or a local folder (recognised by its slash).
        job_id: AWS_BATCH_JOB_ID.
        attempt: AWS_BATCH_JOB_ATTEMPT, from 1.
    """

    def __init__(self, table, job_id, attempt):
        self._table = table
        self._job_id = job_id
        self._row = {"status": "RUNNING", "phase": "start", "attempt": attempt, "message": ""}
        self._lock = threading.Lock()
        self._dynamodb = None
        if "/" not in table:
            self._dynamodb = boto3.client("dynamodb", config=BotoConfig(retries={"mode": "standard"}))

    def phase(self, name):
        """Enter a phase."""
        logger.info("phase %s", name)
        self._write(phase=name)

    def succeeded(self, message):
        self._write(status="SUCCEEDED", phase="done", message=message)

    def failed(self, message):
        """Say why the job ends. Never raises: the reason itself must reach the log."""
        with contextlib.suppress(*storage.Errors):
            self._write(status="FAILED", message=message[:1000])

    @contextlib.contextmanager
    def heartbeat(self):
        """Keep `heartbeat_at` fresh while the body runs."""
        done = threading.Event()
        thread = threading.Thread(target=self._beat, args=(done,), name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _beat(self, done):
        while not done.wait(HEARTBEAT_S):
            with contextlib.suppress(*storage.Errors):  # logged by _write; the solver goes on
                self._write()

    def _write(self, **changes):
        with self._lock:
            self._row |= changes
            row = self._row | {"heartbeat_at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")}
            try:
                self._put(row)
            except storage.Errors as error:
                logger.error("cannot write status to table %s: %s", self._table, error)  # noqa: TRY400 - raised below
                raise

    def _put(self, row):
        if self._dynamodb is None:
            content = json.dumps({"job_id": self._job_id} | row, indent=1).encode()
            storage.write(storage.join(self._table, f"{self._job_id}.json"), content)
            return
        # UpdateItem creates the row too, so that the role needs one action only.
        self._dynamodb.update_item(
            TableName=self._table,
            Key={"job_id": {"S": self._job_id}},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in row),
            ExpressionAttributeNames={f"#{name}": name for name in row},
            ExpressionAttributeValues={f":{name}": _attribute(value) for name, value in row.items()},
        )


def _attribute(value):
    return {"N": str(value)} if isinstance(value, int) else {"S": value}
