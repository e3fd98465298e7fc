"""Bad requests on a real socket: one clear answer each, and the service goes on."""

import json
import socket
from urllib.parse import urlsplit

import pytest

HUGE = 100 * 2**20
LIMIT = 16 * 2**20


@pytest.fixture
def connect(service):
    """An open connection to the service."""
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        yield connection


def head(*lines):
    """The head of a request for data."""
    return "\r\n".join(["POST /api/generate-data HTTP/1.1", "Host: test", *lines, "", ""]).encode()


def answer_of(connection):
    """Status and body of what comes until the service closes."""
    text = b""
    while piece := connection.recv(65536):
        text += piece
    top, _, body = text.partition(b"\r\n\r\n")
    return int(top.split()[1]), json.loads(body)


def send_until_refused(connection, piece, total):
    """Send up to `total` bytes; gives how many the service took before it hung up."""
    sent = 0
    try:
        while sent < total:
            connection.sendall(piece)
            sent += len(piece)
    except (BrokenPipeError, ConnectionResetError):
        pass
    return sent


def test_an_announced_100_mb_are_refused_unread(service, connect):
    """413 on the head alone: not one byte of the body has been sent."""
    connect.sendall(head("Content-Type: application/json", f"Content-Length: {HUGE}"))
    status, told = answer_of(connect)
    assert status == 413
    assert told == {"error": "request entity too large", "reason": f"the body is larger than {LIMIT} bytes"}
    assert service.get("/api/health")[0] == 200


def test_100_mb_of_garbage_are_not_read_whole(service, connect):
    """A client that sends on regardless is cut off long before the end."""
    connect.sendall(head(f"Content-Length: {HUGE}"))
    assert send_until_refused(connect, b"\xff" * 65536, HUGE) < HUGE / 4
    assert service.get("/api/health")[0] == 200


def test_a_chunked_upload_without_end_is_cut_off(service, connect):
    """Nothing is announced, so it is read up to the limit and no further."""
    connect.sendall(head("Transfer-Encoding: chunked"))
    piece = b"10000\r\n" + b"\xff" * 65536 + b"\r\n"
    assert send_until_refused(connect, piece, HUGE) < 2 * LIMIT
    assert service.get("/api/health")[0] == 200


def test_a_chunked_upload_is_told_why(connect):
    """413 in JSON for who stops to listen at the limit."""
    connect.sendall(head("Transfer-Encoding: chunked"))
    chunk = b"100000\r\n" + b"[" * 2**20 + b"\r\n"
    connect.sendall((16 * chunk)[:LIMIT])
    status, told = answer_of(connect)
    assert status == 413
    assert str(LIMIT) in told["reason"]


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (head("Content-Length: -1"), 400),
        (head("Content-Length: many"), 400),
        (head("Transfer-Encoding: gzip"), 501),
        (b"nonsense\r\n\r\n", 400),
        (head("X-Long: ")[:-4].ljust(2**18, b"x"), 431),
    ],
)
def test_what_is_not_http_is_refused_in_json(service, connect, request_text, status):
    """What the server refuses looks like what the application refuses."""
    connect.sendall(request_text)
    told_status, told = answer_of(connect)
    assert told_status == status
    assert set(told) == {"error", "reason"}
    assert service.get("/api/health")[0] == 200


def test_a_client_that_leaves_early_does_no_harm(service, connect):
    """It asks for a large set and hangs up."""
    body = json.dumps({"n_steps": 1000, "n_buses": 118}).encode()
    connect.sendall(head(f"Content-Length: {len(body)}") + body)
    connect.recv(1000)
    connect.close()
    assert service.post("/api/generate-data", {"n_steps": 2, "n_buses": 14})[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/nothing", None, 404),
        ("GET", "/api/generate-data", None, 405),
        ("POST", "/api/generate-data", b"{", 400),
        ("POST", "/api/advanced/forecasting", b'{"history": [[1], [2]]}', 400),
        ("POST", "/api/advanced/opf", b'{"n_buses": 118, "load_scale": 10}', 422),
    ],
)
def test_error_handling(service, method, path, body, status):
    """Each kind of refusal, with a reason."""
    told_status, told = service.send(method, path, body)
    assert told_status == status
    assert told["reason"]
