"""The service over HTTP: which path answers with what, and how each error is told.

Every answer is JSON, errors included: `{"error": what HTTP calls it, "reason": what was wrong and what is expected}`.
"""

import logging
import time
from http import HTTPStatus
from pathlib import Path

import orjson
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from gridmodel import faults, inputs, service
from gridmodel.history import UnavailableError
from gridmodel.inputs import RefusedError
from gridmodel.models import NotReadyError
from gridmodel.opf import InfeasibleError

logger = logging.getLogger(__name__)
DOCUMENT = Path(__file__).parent / "openapi.json"
STREAM_NUMBERS = 500_000  # a larger answer is sent in pieces, so that its text is never whole in memory
PIECE_ROWS = 500
MAX_HISTORY = 500
JSON = "application/json"

COMPUTED = {
    "/api/generate-data": service.generate_data,
    "/api/advanced/forecasting": service.forecast,
    "/api/advanced/state-estimation": service.estimate_state,
    "/api/advanced/opf": service.optimal_power_flow,
}

STATUS = {
    RefusedError: HTTPStatus.BAD_REQUEST,
    PermissionError: HTTPStatus.FORBIDDEN,
    InfeasibleError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotReadyError: HTTPStatus.SERVICE_UNAVAILABLE,
    UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}


def create_app(config):
    """The WSGI application of one service.

    Raises:
        ValueError: A fault of `config` names a model that does not exist.
    """
    running = service.Service.start(config)
    app = Flask("gridmodel", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = config.max_body_bytes  # for other servers than ours, which refuses it unread
    views = {
        "/api/health": lambda: _json(service.health(running)),
        "/api/openapi.json": lambda: Response(DOCUMENT.read_bytes(), mimetype=JSON),
        "/api/network": _network,
        "/api/history": lambda: _history(running),
    }
    for path, view in views.items():
        app.add_url_rule(path, path, view, methods=["GET"], provide_automatic_options=False)
    for path, work in COMPUTED.items():
        view = _computed(running, path, work)
        app.add_url_rule(path, path, view, methods=["POST"], provide_automatic_options=False)
    app.register_error_handler(Exception, _error)
    app.before_request(_start_clock)
    app.after_request(_log)
    return app


def _computed(running, path, work):
    def view():
        damaged = running.config.faults.merged(_asked_faults(running))
        running.damage.before(damaged)
        asked, answer, told = work(running, damaged, request.get_data(cache=False))
        if running.history:
            running.history.add(path, asked, told, _elapsed_ms())
        return _json(faults.spoil(damaged, answer))

    return view


def _asked_faults(running):
    try:
        return faults.of_request(request.headers, running.config.admin_token)
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _network():
    return _json(service.network(inputs.n_buses_of(request.args.get("n_buses"))))


def _history(running):
    if running.history is None:
        return _refusal(HTTPStatus.NOT_FOUND, "history is off: start the service with GRIDMODEL_HISTORY_URL")
    limit = inputs.query_integer(request.args.get("limit"), "limit", 1, MAX_HISTORY, 50)
    return _json({"requests": running.history.latest(limit)})


def _json(answer):
    if sum(getattr(value, "size", 1) for value in answer.values()) > STREAM_NUMBERS:
        return Response(_pieces(answer), mimetype=JSON)
    return Response(_dumps(answer), mimetype=JSON)


def _pieces(answer):
    """The text of a large answer: every value after the other, large arrays a few rows at a time."""
    for number, (name, value) in enumerate(answer.items()):
        yield (b"," if number else b"{") + _dumps(name) + b":"
        if getattr(value, "ndim", 0) == 0:
            yield _dumps(value)
            continue
        for at in range(0, len(value), PIECE_ROWS):
            yield (b"," if at else b"[") + _dumps(value[at : at + PIECE_ROWS])[1:-1]
        yield b"]"
    yield b"}"


def _dumps(value):
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _error(error):
    if isinstance(error, HTTPException):
        answer = _refusal(HTTPStatus(error.code), _reason(error))
        answer.headers.extend(header for header in error.get_headers() if header[0] == "Allow")
        return answer
    for kind, status in STATUS.items():
        if isinstance(error, kind):
            return _refusal(status, str(error))
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "the service failed; its log says why")


def _reason(error):
    match error.code:
        case HTTPStatus.NOT_FOUND:
            return "there is no such path; /api/openapi.json names all of them"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return f"this path answers {', '.join(sorted(error.valid_methods or ()))} only"
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return "the request is larger than the service accepts"
    return error.description


def _refusal(status, reason):
    return Response(_dumps({"error": status.phrase.lower(), "reason": reason}), status, mimetype=JSON)


def _start_clock():
    g.started = time.perf_counter()


def _elapsed_ms():
    return 1e3 * (time.perf_counter() - g.started)


def _log(response):
    # The path is quoted: it is whatever a stranger sent.
    logger.info("%s %a %d %.1f ms", request.method, request.path[:200], response.status_code, _elapsed_ms())
    return response
