"""The environment: defaults as documented, and one message for each variable that cannot be used."""

import pytest

from gridmodel import config


def test_the_defaults_are_the_documented_ones():
    """An empty variable counts as none."""
    told = config.read({"GRIDMODEL_PORT": ""})
    assert (told.host, told.port, told.threads, told.max_body_bytes) == ("127.0.0.1", 5001, 4, 16 * 2**20)
    assert (told.history_url, told.admin_token) == (None, None)
    page = config.read_frontend({})
    assert (page.host, page.port, page.api_url) == ("127.0.0.1", 60000, "http://127.0.0.1:5001")


@pytest.mark.parametrize("value", ["-1", "65536", "http", "1e3", "5001.0"])
def test_a_bad_port_is_named(value):
    """With what was expected and what was found."""
    with pytest.raises(config.ConfigError, match=f"GRIDMODEL_PORT must be an integer from 0 to 65535, not '{value}'"):
        config.read({"GRIDMODEL_PORT": value})


@pytest.mark.parametrize("url", ["127.0.0.1:5001", "file:///etc/passwd", "http://"])
def test_the_page_talks_http_only(url):
    """Nothing else is an address of the service."""
    with pytest.raises(config.ConfigError, match="GRIDMODEL_API_URL must be http://"):
        config.read_frontend({"GRIDMODEL_API_URL": url})
