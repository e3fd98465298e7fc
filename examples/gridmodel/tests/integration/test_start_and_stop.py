"""How the process starts, refuses to start, and ends."""

import socket


def test_it_ends_at_once_when_told_to(start):
    """SIGTERM: exit code 0, nothing left listening."""
    with start() as (client, process):
        assert client.get("/api/health")[1]["status"] == "ok"
        process.terminate()
        assert process.wait(timeout=30) == 0


def test_a_taken_port_is_one_clear_line(run_to_the_end):
    """Exit 1, the address, the variable to change, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_to_the_end(GRIDMODEL_PORT=str(port))
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port} (Address already in use); set GRIDMODEL_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_variable_is_one_clear_line(run_to_the_end):
    """Exit 1, before anything listens."""
    done = run_to_the_end(GRIDMODEL_PORT="http")
    assert done.returncode == 1
    assert done.stderr == "gridmodel: GRIDMODEL_PORT must be an integer from 0 to 65535, not 'http'\n"
    assert done.stdout == ""


def test_a_host_that_is_none_is_one_clear_line(run_to_the_end):
    """Exit 1, no traceback."""
    done = run_to_the_end(GRIDMODEL_HOST="no.such.host.invalid")
    assert done.returncode == 1
    assert done.stderr.startswith("gridmodel: ")
    assert "Traceback" not in done.stderr


def test_a_name_of_several_addresses_is_served_on_each(start):
    """`localhost` may stand for two; what is refused looks the same on all of them."""
    with start(GRIDMODEL_HOST="localhost", GRIDMODEL_MAX_BODY_MB="1") as (client, _):
        assert client.get("/api/health")[0] == 200
        status, told = client.send("POST", "/api/generate-data", b"[", {"Content-Length": str(2**20)})
    assert (status, told["error"]) == (413, "request entity too large")
