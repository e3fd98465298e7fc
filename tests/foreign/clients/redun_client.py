"""Runs the redun workflow with redun's own AWS Batch executor; prints what came of it as JSON."""

import json
import os
import sys

import redun_workflow
from redun import Scheduler
from redun import __version__ as version
from redun.config import Config

batch = {
    "type": "aws_batch",
    "image": os.environ["IMAGE"],
    "queue": os.environ["QUEUE"],
    "role": os.environ["ROLE"],
    "s3_scratch": f"s3://{os.environ['BUCKET']}/redun",
    "aws_region": os.environ["AWS_REGION"],
    "code_includes": "redun_workflow.py",
    "memory": "1",
    "min_array_size": "3",
    "job_stale_time": "1",
    "job_monitor_interval": "0.2",
}
scheduler = Scheduler(config=Config({"executors.batch": batch}))
scheduler.load()
result = scheduler.run(redun_workflow.main())
sys.stdout.write("\n" + json.dumps({"version": version, "result": result}) + "\n")
