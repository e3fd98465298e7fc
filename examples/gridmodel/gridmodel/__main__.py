"""`python -m gridmodel`: start the service."""

import logging
import os
import socket
import sys

# The numerical libraries read it when they are imported; several requests share the cores already.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from gridmodel import config, faults, server
from gridmodel.app import create_app


def main():
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        return run(config.read(os.environ))
    except (config.ConfigError, ValueError, RuntimeError, OSError) as error:
        print(f"gridmodel: {error}", file=sys.stderr)
        return 1


def run(told):
    app = create_app(told)
    if told.faults.crash_on_start:
        print("gridmodel: fault crash-on-start", file=sys.stderr)
        return faults.EXIT_CRASH
    squatter = socket.create_server((told.host, told.port)) if told.faults.port_taken else None
    try:
        server.serve(
            app,
            name="gridmodel",
            host=told.host,
            port=squatter.getsockname()[1] if squatter else told.port,
            threads=told.threads,
            max_body_bytes=told.max_body_bytes,
        )
    except OSError as error:
        raise OSError(f"cannot listen on {told.host}:{told.port} ({error.strerror}); set GRIDMODEL_PORT") from error
    return 0


if __name__ == "__main__":
    sys.exit(main())
