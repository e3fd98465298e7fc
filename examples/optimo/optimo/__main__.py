"""`python -m optimo`: start the job, or only check its configuration."""

import argparse
import os
import sys

# One vCPU is one thread. Read by the numerical libraries when they are imported, so it comes before everything else.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from optimo import __version__, job, log


def main():
    parser = argparse.ArgumentParser(prog="optimo", description="Network unit commitment over CSVs in S3.")
    parser.add_argument("--check", action="store_true", help="check the configuration, solve nothing, exit")
    parser.add_argument("--version", action="version", version=__version__)
    arguments = parser.parse_args()
    log.configure()
    return job.check() if arguments.check else job.run()


if __name__ == "__main__":
    sys.exit(main())
