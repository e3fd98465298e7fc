"""The page of a night in a real browser, opened from disk: on a phone, on a desk, by day and in the dark."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome

from recloser.report.nightly import nightly_html
from tests.unit.report.nights import a_night, a_storm, with_every_text

PHONE, DESK = (360, 640), (1200, 900)
FAINT = """
const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const parts = colour => colour.match(/[\\d.]+/g).map(Number);
const behind = element => {
  for (let at = element; at; at = at.parentElement) {
    const colour = parts(getComputedStyle(at).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
return [...document.body.querySelectorAll("*")]
  .filter(e => e.namespaceURI.endsWith("xhtml") && e.checkVisibility())
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
  .map(e => [e, light(parts(getComputedStyle(e).color)), light(behind(e))])
  .filter(([, a, b]) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5)
  .map(([e]) => `${e.tagName} ${e.className}: ${e.textContent.slice(0, 60)}`);
"""
"""Elements whose text stands out from what is behind it by less than WCAG's 4.5 to 1."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A night as it is, a storm, and a night in which every text is one long hostile word."""
    folder = tmp_path_factory.mktemp("pages")
    word = "<b onclick=x>\u202eABC" + "w" * 3_000
    reports = {"night": a_night(), "storm": a_storm(causes=50), "hostile": with_every_text(a_night(), word)}
    files = {name: folder / f"{name}.html" for name in reports}
    for name, report in reports.items():
        files[name].write_text(nightly_html(report), encoding="utf-8")
    return files


@pytest.fixture(autouse=True)
def _as_it_was(browser: Chrome) -> Iterator[None]:
    """Whatever a test emulates ends with it."""
    yield
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def opened(browser: Chrome, page: Path, size: tuple[int, int], scheme: str = "light") -> Chrome:
    """The browser with a page in it."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
    scheme_feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme_feature]})
    browser.get(page.as_uri())
    return browser


def box(browser: Chrome, selector: str) -> dict[str, Any]:
    """Where an element is in the window."""
    script = f"return document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()"
    return dict(browser.execute_script(script))


@pytest.mark.parametrize("name", ["night", "storm", "hostile"])
def test_nothing_overflows_on_a_phone(browser: Chrome, pages: dict[str, Path], name: str) -> None:
    """The page is never wider than the phone."""
    width = opened(browser, pages[name], PHONE).execute_script("return document.documentElement.scrollWidth")
    assert width == PHONE[0]


@pytest.mark.parametrize("size", [PHONE, DESK])
def test_the_first_screen_holds_verdict_and_key_numbers(
    browser: Chrome, pages: dict[str, Path], size: tuple[int, int]
) -> None:
    """Without scrolling, on a phone too."""
    opened(browser, pages["night"], size)
    for selector in (".badge", ".reason", ".tiles li:last-child", ".ticks"):
        found = box(browser, selector)
        assert found["width"] > 0
        assert found["top"] >= 0
        assert found["bottom"] <= size[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK])
def test_every_text_stands_out(browser: Chrome, pages: dict[str, Path], scheme: str, size: tuple[int, int]) -> None:
    """By day and in the dark, folded parts included."""
    opened(browser, pages["night"], size, scheme)
    browser.execute_script("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    assert browser.execute_script(FAINT) == []


@pytest.mark.parametrize("name", ["night", "hostile"])
def test_it_asks_for_nothing_and_complains_of_nothing(browser: Chrome, pages: dict[str, Path], name: str) -> None:
    """One file is all there is; not even its own policy is ever broken."""
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get_log("performance")
    opened(browser, pages[name], DESK)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert asked == [pages[name].as_uri()]
    assert browser.get_log("browser") == []


def test_it_is_kept_to_its_sections(browser: Chrome, pages: dict[str, Path]) -> None:
    """Every number of the first screen leads to where it is explained."""
    opened(browser, pages["night"], PHONE)
    browser.find_element("css selector", '.tiles a[href="#not-verified"]').click()
    assert 0 <= box(browser, "#not-verified-title")["top"] < PHONE[1]
