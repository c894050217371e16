"""``make browser``: the operators' page, live over a real stack.

Not one of ``make test``: it needs Chromium, as ``chromium`` on the PATH or where CHROMIUM says.
"""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as Nothing

OPENED = "details.range, #chart-rate details, details.all-counts"  # the tables of all charts are alike
PHONE = {"width": 360, "height": 740}
DASH = "\N{EN DASH}"
LIVE_MS = 15_000
QUIET_MS = 2_500


@pytest.fixture
def read(stack):
    """Reads documents of products that nobody has read; then again, from Redis."""

    def read(times: int, product_id: int | None = None) -> int:
        number = product_id or next(stack.service.unread)
        assert {stack.service.get(f"/products/{number}")[0] for _ in range(times)} == {200}
        return number

    return read


def cell(page: Page, kind: str, outcome: str, window: str):
    return page.locator(f"[data-kind='{kind}'][data-outcome='{outcome}'][data-window='{window}']")


def value(page: Page, *names: str) -> float | None:
    shown = cell(page, *names).get_attribute("data-value")
    return float(shown) if shown else None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 800}, PHONE])
def test_nothing_stands_in_the_way_of_assistive_technology(opened, read, scheme, viewport):
    read(3)
    page = opened(color_scheme=scheme, viewport=viewport)
    page.eval_on_selector_all(OPENED, "(all) => all.forEach((each) => { each.open = true; })")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_every_read_is_counted_while_one_looks(opened, read):
    page = opened()
    expect(cell(page, "product", "rate", "now")).to_have_text(DASH, timeout=LIVE_MS)
    before = {outcome: value(page, "product", outcome, "total") or 0 for outcome in ("hit", "miss")}
    read(40)
    expect(cell(page, "product", "hit", "total")).to_have_attribute("data-value", str(int(before["hit"]) + 39))
    expect(cell(page, "product", "miss", "total")).to_have_attribute("data-value", str(int(before["miss"]) + 1))
    expect(cell(page, "product", "rate", "1m")).to_have_text(re.compile(r"^\d+(\.\d)? %$"))


def test_without_traffic_a_rate_is_a_dash_and_neither_full_nor_the_last_one(opened, read):
    read(3)
    page = opened()
    expect(cell(page, "product", "rate", "1m")).not_to_have_text(DASH, timeout=LIVE_MS)
    expect(cell(page, "product", "rate", "now")).to_have_text(DASH, timeout=LIVE_MS)
    for window in ("now", "1m", "5m", "1h", "24h", "total"):
        assert cell(page, "card", "rate", window).text_content() == DASH
        assert value(page, "card", "rate", window) is None


def test_a_second_changes_texts_and_makes_no_cell_anew(opened):
    page = opened()
    page.evaluate("document.querySelectorAll('td, th, dd').forEach((each) => { each.isOld = true; })")
    clock = page.locator("#clock").text_content()
    expect(page.locator("#clock")).not_to_have_text(clock, timeout=LIVE_MS)
    assert page.evaluate("[...document.querySelectorAll('main td, main th, main dd')].every((each) => each.isOld)")


def test_a_pause_stops_the_requests_until_it_ends(opened):
    page = opened()
    page.get_by_role("button", name="Pause").press("Enter")
    expect(page.locator("#mark")).to_have_text("paused")
    with pytest.raises(Nothing), page.expect_request("**/dashboard*", timeout=QUIET_MS):
        pass
    assert "paused=1" in page.url
    with page.expect_request("**/dashboard.json*"):
        page.get_by_role("button", name="Go on").click()
    expect(page.locator("#mark")).to_have_text("live")


def test_a_link_to_a_paused_page_loads_once(opened, stack):
    page = opened(f"{stack.dashboard}#paused=1", until="paused")
    with pytest.raises(Nothing), page.expect_request("**/dashboard*", timeout=QUIET_MS):
        pass


def test_a_range_is_drawn_with_the_mouse_and_restored_by_its_link(opened):
    page = opened()
    field = page.locator("#chart-traffic .field")
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 60, steps=4)
    page.mouse.up()
    expect(page.get_by_role("button", name="Back to live")).to_be_visible()
    assert re.search(r"from=\d+&to=\d+", page.url)
    other = opened(page.url)
    expect(other.locator("#range-words")).to_have_text(page.locator("#range-words").text_content())
    expect(other.get_by_role("button", name="Back to live")).to_be_visible()
    field.dblclick()
    expect(page.locator("#range-words")).to_have_text("last 5 minutes")
    assert "from=" not in page.url


def test_a_window_is_in_the_address_and_in_every_chart(opened):
    page = opened()
    with page.expect_request("**/points.json?window=1h&meta=1"):
        page.get_by_text("1 h", exact=True).first.click()
    expect(page.locator("#range-words")).to_have_text("last hour")
    assert "window=1h" in page.url
    expect(opened(page.url).locator("#window :checked")).to_have_value("1h")


def test_everything_is_reached_by_the_tabulator(opened):
    page = opened()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    reached = set()
    for _ in range(150):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('[id]')?.id"))
    charts = set(page.eval_on_selector_all("figure", "(all) => all.map((each) => each.id)"))
    assert len(charts) == 15
    assert reached >= {"window", "pause", "copy", "theme", *charts}


def test_arrow_keys_move_one_cursor_over_all_charts_and_select_a_range(opened):
    page = opened()
    page.locator("#chart-rate .field").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    at = page.locator("#chart-rate .cursor-time").text_content()
    assert at in page.locator("#chart-rate .field").get_attribute("aria-valuetext")
    expect(page.locator("#chart-latency .cursor-time")).to_have_text(at)
    for _ in range(5):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Back to live")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Back to live")).to_be_hidden()


def test_a_range_can_be_typed(opened):
    page = opened()
    page.get_by_text("Time range").click()
    end = page.get_by_label("to", exact=True).input_value()
    page.get_by_label("From", exact=True).fill("2020-01-01T00:00:00")
    page.get_by_label("to", exact=True).fill("2019-01-01T00:00:00")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#range-error")).to_have_text("The end has to be later than the start.")
    page.get_by_label("to", exact=True).fill(end)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("button", name="Back to live")).to_be_visible()


def test_a_document_opens_its_entry_and_focus_comes_back(opened, read):
    read(400, 77)
    page = opened()
    button = page.locator("#hottest").get_by_role("button", name="product 77", exact=True)
    button.click(timeout=LIVE_MS)
    dialog = page.get_by_role("dialog", name="product 77")
    expect(dialog.locator("#entry-words")).to_contain_text("In Redis, and fresh.")
    expect(dialog.locator("dl")).to_contain_text("In Postgres")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()


def test_the_list_of_documents_holds_still_while_one_is_in_it(opened, read):
    read(300, 88)
    page = opened()
    page.locator("#hottest").get_by_role("button", name="product 88", exact=True).focus(timeout=LIVE_MS)
    first = page.locator("#hottest li").first
    before = first.locator("button").text_content()
    read(1500, 99)
    clock = page.locator("#clock").text_content()
    expect(page.locator("#clock")).not_to_have_text(clock, timeout=LIVE_MS)
    assert first.locator("button").text_content() == before
    expect(page.locator("#hottest").get_by_role("button", name="product 88", exact=True)).to_be_focused()
    page.locator("#pause").focus()
    expect(first).to_contain_text("product 99", timeout=LIVE_MS)


def test_an_instance_that_is_silent_is_named_and_announced(opened, stack):
    page = opened()
    expect(page.get_by_role("status").first).to_contain_text("2 of 2 instances", timeout=LIVE_MS)
    instance = stack.service.instances[1]
    instance.stop()
    try:
        expect(page.get_by_role("status").first).to_contain_text("1 of 2 instances", timeout=LIVE_MS)
        expect(page.locator("#instances tr", has_text=instance.address)).to_contain_text("silent since")
    finally:
        instance.start()
    expect(page.get_by_role("status").first).to_contain_text("2 of 2 instances", timeout=LIVE_MS)


def test_each_master_of_a_cluster_has_a_row_and_a_silent_one_is_told_apart(opened):
    page = opened()
    expect(page.locator("#servers-of-redis")).to_be_hidden()

    def with_masters(route):
        found = route.fetch().json()
        (server,) = found["redis"]["servers"]
        silent = {"address": "10.0.0.2:6379", "state": "silent"}
        redis = found["redis"] | {"state": "partly down", "servers": [server | {"address": "10.0.0.1:6379"}, silent]}
        route.fulfill(json=found | {"redis": redis})

    page.route("**/dashboard.json*", with_masters)
    expect(page.locator("#servers tr", has_text="10.0.0.2:6379").locator("td").first).to_have_text("silent")
    expect(page.locator("#servers tr", has_text="10.0.0.1:6379")).to_contain_text("MiB")
    expect(page.locator("[data-field='redis.state']")).to_have_text("partly down")
    assert Axe().run(page).violations_count == 0


def test_a_page_that_cannot_reach_the_process_says_since_when_and_goes_on(opened):
    page = opened()
    page.context.set_offline(True)
    expect(page.get_by_role("alert").first).to_contain_text("has not responded since", timeout=LIVE_MS)
    expect(page.locator("#mark")).to_have_text("not current")
    page.context.set_offline(False)
    expect(page.locator("#lost")).to_be_hidden(timeout=LIVE_MS)
    expect(page.locator("#mark")).to_have_text("live")
    opened.failures.clear()  # the browser reports each request that failed


def test_a_link_to_this_moment_is_copied(opened):
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#copy")).to_have_text("Copied")
    assert re.search(r"#window=5m&from=\d+&to=\d+$", page.evaluate("navigator.clipboard.readText()"))


def test_a_theme_goes_before_the_system_s(opened):
    page = opened(color_scheme="light")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_label("Theme").select_option("dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    assert "theme=dark" in page.url
