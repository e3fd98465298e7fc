"""The page's server, without a browser: files, what it hands on, and what it does not."""

import urllib.error
import urllib.request

import pytest


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/", "text/html"), ("/main.js", "text/javascript"), ("/style.css", "text/css"), ("/icon.svg", "image/svg+xml")],
)
def test_files_are_served_with_strict_headers(page, path, kind):
    """Nothing may be loaded from elsewhere, no type is guessed."""
    with urllib.request.urlopen(page + path, timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith(kind)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/nothing.js", "/..%2fsite.py", "/%2e%2e/site.py", "//etc/passwd"])
def test_no_other_file_is(page, path):
    """Only what lies in `static`."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(page + path, timeout=30)
    with refused.value:
        assert refused.value.code == 404


def test_requests_are_handed_on_as_they_are(service, page):
    """Answers, refusals and query strings come through unchanged."""
    through = type(service)(page)
    body = {"n_steps": 3, "n_buses": 14, "seed": 1}
    assert through.post("/api/generate-data", body) == service.post("/api/generate-data", body)
    assert through.post("/api/generate-data", {}) == service.post("/api/generate-data", {})
    assert through.get("/api/network?n_buses=30") == service.get("/api/network?n_buses=30")
    assert through.get("/api/nothing")[0] == 404


def test_a_service_that_is_down_is_502(service, start_page):
    """With its address, in JSON."""
    with start_page(GRIDMODEL_API_URL="http://127.0.0.1:1") as (url, _):
        status, told = type(service)(url).get("/api/health")
    assert status == 502
    assert told["reason"] == "the service at http://127.0.0.1:1 does not answer"
