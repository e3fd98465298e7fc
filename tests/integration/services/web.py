"""A small real service: answers its health, and misbehaves as it is told on its command line."""

import argparse
import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Server(ThreadingHTTPServer):
    """Says at once that it cannot have the port."""

    daemon_threads = True


class Handler(BaseHTTPRequestHandler):
    """Answers any GET with what it sees."""

    disable_nagle_algorithm = True
    wbufsize = -1
    status_file: Path

    def do_GET(self) -> None:
        """State, process and environment."""
        status = self.status_file.read_text() if self.status_file.exists() else "ok"
        body = json.dumps({"status": status, "pid": os.getpid(), "environment": dict(os.environ)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--say", default="")
    parser.add_argument("--exit", type=int)
    parser.add_argument("--sleep", type=float, default=0)
    parser.add_argument("--status-file", type=Path, default=Path("nowhere"))
    parser.add_argument("--child", type=Path, help="start a child in a session of its own and note its number here")
    options = parser.parse_args()
    print(options.say, flush=True)
    time.sleep(options.sleep)
    if options.exit is not None:
        sys.exit(options.exit)
    if options.child is not None:
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        options.child.write_text(str(child.pid))
    Handler.status_file = options.status_file
    Server(("127.0.0.1", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
