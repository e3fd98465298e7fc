"""A real browser: Chromium, headless, without any traffic of its own, driven through chromedriver.

A machine without it skips these tests by name. On Debian: `apt-get install chromium chromium-driver`.
"""

import shutil

import pytest

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"deviceMetrics": {"width": 360, "height": 640, "pixelRatio": 1, "touch": True, "mobile": True}}


@pytest.fixture(scope="session")
def open_browser(tmp_path_factory):
    """Open a browser of one's own: `open_browser()`, or `open_browser(phone=True)`."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="no browser tests: selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip(
            "no browser tests: chromium and chromedriver are not on the PATH (Debian: chromium, chromium-driver)"
        )
    opened = []

    def open_browser(*, phone=False):
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
            options.add_argument(argument)
        options.add_argument("--window-size=1280,1400")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if phone:
            options.add_experimental_option("mobileEmulation", PHONE)
        # The driver's path is given, so that selenium looks for no other and asks nobody.
        opened.append(webdriver.Chrome(options, webdriver.ChromeService(driver)))
        opened[-1].set_page_load_timeout(60)
        return opened[-1]

    yield open_browser
    for browser in opened:
        browser.quit()


@pytest.fixture(scope="session")
def desktop(open_browser):
    """The browser that most tests share."""
    return open_browser()
