"""Fixtures of all tests."""

pytest_plugins = ["tests.sandbox_fixture", "tests.prefect_fixture", "tests.postgresql_fixture", "tests.browser_fixture"]
