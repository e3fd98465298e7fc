"""The page, as somebody sees and uses it."""

import pytest

# The first method's answer waits until somebody calls `held`; `dispatched` is what the page asks after it was drawn.
HOLD_BACK_RIDGE = """
const fetched = window.fetch;
window.fetch = async (path, options) => {
  const answer = await fetched(path, options);
  if (path.endsWith("/opf")) window.dispatched = true;
  if (path.endsWith("/forecasting") && JSON.parse(options.body).method === "ridge") {
    await new Promise((letGo) => { window.held = letGo; });
  }
  return answer;
};
"""


class Page:
    """What is on the page, found by its ids."""

    def __init__(self, browser, wait_until):
        self.browser = browser
        self.until = wait_until

    def open(self, url):
        self.browser.get(url)
        return self

    def find(self, selector):
        return self.browser.find_element("css selector", selector)

    def count(self, selector):
        return len(self.browser.find_elements("css selector", selector))

    def text(self, selector):
        return self.find(selector).text

    def run(self, script):
        return self.browser.execute_script(f"return {script}")

    def fill(self, selector, value):
        # Cleared by script: an input that was cleared by hand is invalid for a moment, and says so.
        self.browser.execute_script("arguments[0].value = ''", self.find(selector))
        self.find(selector).send_keys(str(value))

    def choose(self, selector, value):
        self.find(f'{selector} option[value="{value}"]').click()

    def says(self, selector, text):
        """Wait until an element says something."""
        self.until(lambda: text in self.text(selector))


@pytest.fixture
def opened(desktop, page, wait_until):
    """The page, once its first data set is drawn."""
    shown = Page(desktop, wait_until).open(page)
    shown.says("#dispatch-summary", "$/h")
    return shown


def test_it_draws_a_grid_a_forecast_and_residuals_by_itself(opened):
    """Every bus and branch, two curves, a bar per measurement, a bar per unit; in words, too."""
    assert opened.text("#health").startswith("ok")
    assert (opened.count("#grid circle"), opened.count("#grid line")) == (14, 20)
    assert opened.count("#forecast path") == 2
    assert opened.count("#residuals rect") == 34
    assert opened.count("#dispatch rect") == 5
    assert "209 MW" in opened.text("#grid-summary")
    assert "is stable" in opened.text("#forecast-summary")
    assert opened.text("#residuals-summary").startswith("No bad data")
    assert "7,642.6 $/h" in opened.text("#dispatch-summary")


def test_it_draws_what_is_asked_for(opened):
    """118 buses over 40 steps."""
    opened.choose("#n-buses", 118)
    opened.fill("#n-steps", 40)
    opened.find("#request button").click()
    opened.says("#grid-summary", "case118")
    opened.says("#residuals-summary", "largest residual")
    assert (opened.count("#grid circle"), opened.count("#grid line")) == (118, 186)
    assert opened.find("#step").get_attribute("max") == "39"


def test_a_spoilt_meter_is_named(opened):
    """The estimate turns to bad data, and its bar to the colour of an alarm."""
    opened.fill("#spoil-bus", 9)
    opened.fill("#spoil-mw", 90)
    opened.find("#spoil button").click()
    opened.says("#residuals-summary", "suspect is the injection at bus 9")
    assert opened.count("#residuals .bad") >= 1
    opened.fill("#spoil-mw", 0)
    opened.find("#spoil button").click()
    opened.says("#residuals-summary", "No bad data")
    assert opened.count("#residuals .bad") == 0


def test_a_step_can_be_chosen_with_the_keyboard(opened):
    """The slider is reached, moved and said."""
    slider = opened.find("#step")
    slider.send_keys("\ue011")  # the Home key
    opened.says("#step-shown", "0, 2024-01-01 00:00 UTC")
    slider.send_keys("\ue014")  # the right arrow
    opened.says("#step-shown", "1, 2024-01-01 00:15 UTC")


def let_it_run_away(opened):
    """Least squares on 50 steps."""
    opened.fill("#n-steps", 50)
    opened.fill("#seed", 100)
    opened.find("#request button").click()
    opened.says("#step-shown", "49,")
    opened.choose("#method", "least_squares")
    opened.says("#forecast-summary", "UNSTABLE")


def test_an_unstable_model_is_an_alarm(opened):
    """It is said, and seen."""
    let_it_run_away(opened)
    assert "alarm" in opened.find("#forecast-summary").get_attribute("class")


def test_an_older_answer_is_not_drawn_over_a_newer_one(opened):
    """The first method's forecast arrives after the second's; what follows it has asked by the time we look."""
    opened.browser.execute_script(HOLD_BACK_RIDGE)
    let_it_run_away(opened)
    opened.until(lambda: opened.run("window.held !== undefined"))
    opened.run("window.held()")
    opened.until(lambda: opened.run("window.dispatched"))
    assert "UNSTABLE" in opened.text("#forecast-summary")


def test_a_refusal_is_shown_with_the_services_reason(opened):
    """What was drawn stays; the next good request takes the message away."""
    opened.fill("#n-steps", 0)
    opened.find("#request button").click()
    opened.says("#message", "Not done: n_steps must be an integer from 1 to 20000")
    assert opened.count("#grid circle") == 14
    opened.fill("#n-steps", 20)
    opened.find("#request button").click()
    opened.says("#step-shown", "19,")
    opened.says("#message", "")


def test_too_few_steps_for_a_forecast_are_told(opened):
    """The other drawings are there."""
    opened.fill("#n-steps", 1)
    opened.find("#request button").click()
    opened.says("#forecast-summary", "At least 9 steps are needed")
    assert opened.count("#grid circle") == 14


def test_a_service_that_is_down_is_told(desktop, wait_until, start_page):
    """The page comes from a server of its own, and says what is missing."""
    with start_page(GRIDMODEL_API_URL="http://127.0.0.1:1") as (url, _):
        shown = Page(desktop, wait_until).open(url)
        shown.says("#health", "down: the service at http://127.0.0.1:1 does not answer")
        shown.says("#message", "does not answer")
        desktop.get("about:blank")


def test_nothing_comes_from_elsewhere_and_nothing_is_complained_of(opened, page):
    """All requests go to the page's own server; the browser's console is empty."""
    opened.browser.get_log("browser")
    opened.open(page)
    opened.says("#dispatch-summary", "$/h")
    names = opened.run("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert len(names) > 5
    assert all(name.startswith(f"{page}/") for name in names)
    assert opened.browser.get_log("browser") == []


def test_it_can_be_read_aloud(opened):
    """Language, one main heading, a label for every field, a text for every drawing."""
    assert opened.run("document.documentElement.lang") == "en"
    assert opened.count("h1") == 1
    assert opened.run("[...document.querySelectorAll('input, select')].every((field) => field.labels.length)")
    drawings = opened.run(
        "[...document.querySelectorAll('svg')].map((svg) => svg.getAttribute('role') + ' ' + "
        "svg.getAttribute('aria-labelledby').split(' ').every((id) => document.getElementById(id).textContent))"
    )
    assert drawings == ["img true"] * 4


def test_it_fits_a_phone(open_browser, page, wait_until):
    """360 pixels: nothing to scroll sideways, fields large enough for a thumb, everything drawn."""
    shown = Page(open_browser(phone=True), wait_until).open(page)
    shown.says("#dispatch-summary", "$/h")
    assert shown.run("window.innerWidth") == 360
    assert shown.run("document.documentElement.scrollWidth") <= 360
    assert shown.run("Math.min(...[...document.querySelectorAll('button')].map((one) => one.offsetHeight))") >= 44
    assert shown.count("#grid circle") == 14
