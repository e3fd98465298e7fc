"""Static files, and `/api/…` handed on to the service, so that a browser needs to reach one address only.

Nothing is loaded from elsewhere, and the browser is told to insist on that.
"""

import http.client
import logging
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from flask import Flask, Response, request, send_from_directory

logger = logging.getLogger(__name__)
STATIC = Path(__file__).parent / "static"
TIMEOUT_S = 120
PIECE_BYTES = 2**16
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def create_site(api_url):
    """The WSGI application that serves the page of the service at `api_url`."""
    site = Flask("gridmodel.frontend", static_folder=None)
    site.add_url_rule("/", "index", lambda: send_from_directory(STATIC, "index.html"))
    site.add_url_rule("/<path:name>", "static", lambda name: send_from_directory(STATIC, name))
    site.add_url_rule("/api/<path:_>", "api", lambda _: _hand_on(api_url), methods=["GET", "POST"])
    site.after_request(_harden)
    return site


def _hand_on(api_url):
    address = urlsplit(api_url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname, address.port, timeout=TIMEOUT_S)
    # `full_path` is the path as it came, quoted, without host or scheme: it cannot lead to another server.
    path = address.path + request.full_path.rstrip("?")
    try:
        connection.request(request.method, path, request.get_data(), {"Content-Type": "application/json"})
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        logger.warning("%s does not answer: %s", api_url, error)
        told = {"error": "bad gateway", "reason": f"the service at {api_url} does not answer"}
        return Response(orjson.dumps(told), 502, mimetype="application/json")
    return Response(_pieces(connection, answer), answer.status, mimetype="application/json")


def _pieces(connection, answer):
    try:
        while piece := answer.read(PIECE_BYTES):
            yield piece
    finally:
        connection.close()


def _harden(response):
    response.headers.update(HEADERS)
    return response
