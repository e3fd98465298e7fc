"""The job's log: one stream, timestamps in UTC, each line written as it happens.

Everything goes to standard error, where the interpreter writes tracebacks too: CloudWatch then shows both in order.
"""

import logging
import sys
import time


def configure():
    sys.stderr.reconfigure(line_buffering=True)
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # The job says itself which request failed; boto's own chatter about credentials is of no use to an operator.
    logging.getLogger("botocore").setLevel(logging.WARNING)
