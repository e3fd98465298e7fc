"""What the job is told: environment variables, and nothing else.

| variable | default | meaning |
|---|---|---|
| OPTIMO_INPUT_DIR | required | `s3://bucket/prefix/` or a local folder with the four CSVs |
| OPTIMO_OUTPUT_DIR | required | the same, for the results, which replace those of the last run |
| OPTIMO_JOB_TABLE | required | DynamoDB table of the job's status; with a slash in it: a local folder |
| OPTIMO_MIP_GAP | 0.01 | relative gap at which the solver may stop |
| OPTIMO_TIME_LIMIT_S | 600 | seconds after which it must |
| AWS_BATCH_JOB_ID, AWS_BATCH_JOB_ATTEMPT | local, 1 | set by Batch |
"""

import logging
import math
import os
from dataclasses import dataclass

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Config:
    """One run of the job."""

    input_dir: str
    output_dir: str
    job_table: str
    mip_gap: float
    time_limit_s: float
    job_id: str
    attempt: int


def read():
    """Read the environment.

    Raises:
        KeyError: A required variable is not set.
        ValueError: A number is not one, or makes no sense.
    """
    return Config(
        input_dir=_required("OPTIMO_INPUT_DIR"),
        output_dir=_required("OPTIMO_OUTPUT_DIR"),
        job_table=_required("OPTIMO_JOB_TABLE"),
        mip_gap=_number("OPTIMO_MIP_GAP", "0.01"),
        time_limit_s=_number("OPTIMO_TIME_LIMIT_S", "600"),
        job_id=os.environ.get("AWS_BATCH_JOB_ID", "local"),
        attempt=int(os.environ.get("AWS_BATCH_JOB_ATTEMPT", "1")),
    )


def _required(name):
    try:
        return os.environ[name]
    except KeyError as error:
        raise KeyError(f"required environment variable {name} is not set") from error


def _number(name, default):
    text = os.environ.get(name, default)
    try:
        value = float(text)
    except ValueError:
        logger.error("%s is not a number", name)  # noqa: TRY400 - the traceback follows when the job ends
        raise
    if not math.isfinite(value) or value <= 0:
        raise ValueError(f"{name} must be a positive number, not {text!r}")
    return value
