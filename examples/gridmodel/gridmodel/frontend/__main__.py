"""`python -m gridmodel.frontend`: serve the page."""

import logging
import os
import sys

from gridmodel import config, server
from gridmodel.frontend.site import create_site

MAX_BODY_BYTES = 16 * 2**20  # as the service


def main():
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        told = config.read_frontend(os.environ)
        server.serve(
            create_site(told.api_url),
            name="gridmodel.frontend",
            host=told.host,
            port=told.port,
            threads=4,
            max_body_bytes=MAX_BODY_BYTES,
        )
    except (config.ConfigError, ValueError) as error:
        print(f"gridmodel.frontend: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        where = f"{told.host}:{told.port} ({error.strerror}); set GRIDMODEL_FRONTEND_PORT"
        print(f"gridmodel.frontend: cannot listen on {where}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
