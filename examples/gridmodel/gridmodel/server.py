"""A waitress server that says in JSON, too, what it refuses before the application sees it.

A request that announces, or turns out to have, too large a body is answered 413 and its connection closed: what was
not read by then never is.
"""

import signal
import sys

import orjson
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask
from waitress.utilities import RequestEntityTooLarge


class _JsonRefusal(ErrorTask):
    def execute(self):
        error = self.request.error
        limit = self.channel.adj.max_request_body_size
        reason = f"the body is larger than {limit} bytes" if isinstance(error, RequestEntityTooLarge) else error.body
        body = orjson.dumps({"error": error.reason.lower(), "reason": reason})
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):
    error_task_class = _JsonRefusal


def serve(app, *, name, host, port, threads, max_body_bytes):
    """Serve until SIGTERM or SIGINT; says on standard output where.

    Raises:
        OSError: The address cannot be listened on.
        ValueError: The host is no address.
    """
    sockets = {}
    limits = {"threads": threads, "max_request_body_size": max_body_bytes, "channel_timeout": 60}
    server = create_server(app, map=sockets, host=host, port=port, ident=None, **limits)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # A name may stand for several addresses: each has a listener of its own.
    for listener in [one for one in sockets.values() if isinstance(one, BaseWSGIServer)]:
        listener.channel_class = _Channel
        print(f"{name} listens on http://{_quoted(listener.effective_host)}:{listener.effective_port}", flush=True)
    try:
        server.run()
    finally:
        server.close()


def _quoted(host):
    return f"[{host}]" if ":" in host else host
