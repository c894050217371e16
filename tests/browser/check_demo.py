"""``make browser``: the demo's page over a real stack, as somebody would use it who buys something.

Not one of ``make test``: see check_dashboard.py.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from deploy.local.instances import Instance
from deploy.local.servers import Nginx
from service.nginx_conf import values
from service.settings import Settings
from tests.web import catalogue

PHONE = {"width": 360, "height": 740}
PREFIX = "/shop"
RED = "data:image/gif;base64,R0lGODlhAQABAIAAAP8AAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw=="
BROKEN = "data:image/gif;base64,AAAA"
ROWS = {
    "photos": [(400, 12, RED, RED), (401, 12, BROKEN, BROKEN)],
    "styles": [(71, 7, "Plain", 80, None, False), (72, 7, "Painted", 90, None, True)],
}


@pytest.fixture(scope="module")
def shop(server_root: Path, free_port, new_database, migrated_template, redis_server) -> Iterator[str]:
    """URL of an instance behind nginx with the demo on, over the small catalogue with some rows of its own."""
    root = Path(mkdtemp(prefix="demo-", dir=server_root))
    root.chmod(0o755)
    given = {
        "DATABASE_URL": new_database(migrated_template),
        "REDIS_URL": redis_server.url.rpartition("/")[0] + "/9",
        "CART_SECRET": "only for these tests",
        "DEMO": "on",
        "BASE_PATH": PREFIX,
        "INSTANCES": f"127.0.0.1:{free_port('demo web')}",
        "LISTEN": f"127.0.0.1:{free_port('demo nginx')}",
    }
    catalogue.fill(given["DATABASE_URL"])
    rows = [(catalogue.insertion(table, row), row) for table, rows in ROWS.items() for row in rows]
    catalogue.execute(given["DATABASE_URL"], *rows)
    instance = Instance(int(given["INSTANCES"].rpartition(":")[2]), root / "web.log", given)
    nginx = Nginx(root, root / "nginx.log", values(Settings.from_env(given)))
    instance.start()
    nginx.start()
    yield nginx.url
    nginx.stop()
    instance.stop()
    shutil.rmtree(root)


@pytest.fixture
def visit(shop: str, new_page) -> Iterator[Callable[..., Page]]:
    """Opens the page of a product, in a browser without a cart; it asks nobody else for anything."""
    strayed = []

    def visit(product_id: int = 1, prefix: str = "", **options) -> Page:
        page, ours = new_page(**options), (f"{shop}{prefix}/", "data:")
        page.on("request", lambda request: None if request.url.startswith(ours) else strayed.append(request.url))
        page.goto(f"{shop}{prefix}/demo/{product_id}")
        return page

    visit.failures = new_page.failures
    yield visit
    assert strayed == []


def choose(page: Page, group: str, text: str) -> None:
    page.get_by_role("group", name=group, exact=True).locator("label", has_text=text).click()


def add(page: Page) -> None:
    page.get_by_role("button", name="Add to cart").click()


def said(page: Page):
    return page.locator("#said")


def lines(page: Page):
    return page.locator("#lines > li")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 800}, PHONE])
def test_nothing_stands_in_the_way_of_assistive_technology(visit, scheme, viewport):
    page = visit(color_scheme=scheme, viewport=viewport, reduced_motion="reduce")
    choose(page, "Size", "8 left")
    add(page)
    expect(lines(page)).to_have_count(1)
    for style in ("Polished", "Tarnished"):
        choose(page, "Style", style)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_the_default_style_is_chosen_and_each_has_photos_prices_and_sizes_of_its_own(visit):
    page = visit()
    expect(page.get_by_role("heading", level=1)).to_have_text("Harbour Lantern")
    expect(page).to_have_title("Harbour Lantern · Product demo")
    assert page.locator("#styles label").all_inner_texts() == ["Polished", "Black", "Tarnished"]
    expect(page.get_by_role("radio", name="Polished")).to_be_checked()
    expect(page.locator("#price")).to_have_text("$140")
    expect(page.locator("#photos label")).to_have_count(2)
    assert page.locator("#sizes label").all_text_contents() == ["Ssold out", "XL8 left", "XL3 left"]
    expect(page.get_by_role("radio", name="S sold out")).to_be_disabled()
    page.locator("#photos label").nth(1).click()
    expect(page.locator("#photo [role=img]")).to_have_attribute("aria-label", "Harbour Lantern, Polished, photo 2 of 2")
    choose(page, "Style", "Black")
    expect(page.locator("#price")).to_have_text("$0")
    assert page.locator("#sizes label").all_text_contents() == ['7½"16 left']


def test_the_default_style_goes_before_older_ones(visit):
    page = visit(7)
    expect(page.get_by_role("radio").first).to_have_accessible_name("Painted")
    expect(page.get_by_role("radio", name="Painted")).to_be_checked()
    expect(page.locator("#price")).to_have_text("$90")


def test_a_sale_strikes_the_old_price(visit):
    page = visit()
    choose(page, "Style", "Tarnished")
    expect(page.locator("#price strong")).to_have_text("$100")
    expect(page.locator("#price s")).to_have_text("was $140")


def test_a_photo_is_shown_and_one_that_cannot_be_had_is_drawn(visit):
    page = visit()
    choose(page, "Style", "Black")
    photo = page.get_by_role("img", name="Harbour Lantern, Black, photo 1 of 2")
    expect(photo).to_have_js_property("naturalWidth", 1)
    page.locator("#photos label").nth(1).click()
    drawn = page.get_by_role("img", name="Harbour Lantern, Black, photo 2 of 2")
    expect(drawn.and_(page.locator("svg"))).to_be_visible()


@pytest.mark.parametrize("product_id", [3, 2, 1])
def test_what_is_out_of_stock_says_so_and_cannot_be_added(visit, product_id):
    page = visit(product_id)
    if product_id == 1:
        choose(page, "Style", "Tarnished")
    expect(page.locator("#stock")).to_have_text("OUT OF STOCK")
    expect(page.get_by_role("button", name="Add to cart")).to_be_disabled()
    expect(page.locator("#sizes")).to_be_hidden()
    expect(page.locator("#photo svg")).to_be_visible()


def test_a_cart_is_filled_changed_emptied_and_kept(visit):
    page = visit()
    expect(page.locator("#total")).to_have_text("Nothing in it yet.")
    choose(page, "Size", "3 left")
    add(page)
    expect(said(page)).to_have_text("Added: Harbour Lantern. Cart: 1 item, $140.")
    add(page)
    expect(said(page)).to_have_text("Added: Harbour Lantern. Cart: 2 items, $280.")
    expect(lines(page)).to_have_count(1)
    count = page.get_by_label("Count of Harbour Lantern, Polished, XL")
    count.fill("5")
    count.press("Tab")
    expect(said(page)).to_have_text("Changed. Cart: 5 items, $700.")
    expect(lines(page)).to_contain_text("only 3 in stock")
    page.reload()
    expect(page.locator("#summary")).to_have_text("Cart: 5 items, $700")
    expect(count).to_have_value("5")
    page.get_by_role("button", name="Remove Harbour Lantern").click()
    expect(said(page)).to_have_text("Removed. Cart: empty.")
    expect(lines(page)).to_have_count(0)
    expect(page.get_by_role("heading", name="Cart")).to_be_focused()


def test_a_count_of_0_removes_a_line_and_nonsense_is_not_sent(visit):
    page = visit(9)
    choose(page, "Style", "Bare")
    choose(page, "Size", "10 m")
    add(page)
    count, sent = page.get_by_label("Count of Rope, Bare, 10 m"), []
    page.on("request", lambda request: sent.append(request.post_data) if request.method == "PUT" else None)
    for nonsense in ("", "-1", "100"):
        count.fill(nonsense)
        count.press("Enter")
    count.fill("0")
    count.press("Enter")
    expect(lines(page)).to_have_count(0)
    assert sent == ['{"count":"0"}']


def test_a_related_product_is_a_page_of_its_own_with_the_same_cart(visit):
    page = visit()
    choose(page, "Size", "8 left")
    add(page)
    expect(lines(page)).to_have_count(1)
    cards = page.get_by_role("navigation", name="Related products").get_by_role("link")
    assert [card.locator("b").text_content() for card in cards.all()] == ["Rope", "Plain Box"]
    cards.first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rope")
    assert page.url.endswith("/demo/9")
    expect(page.locator("#summary")).to_have_text("Cart: 1 item, $140")


def test_a_page_that_comes_back_shows_the_cart_as_it_is_now(visit):
    page = visit()
    expect(page.locator("#summary")).to_have_text("Cart: empty")
    assert page.request.post(page.url.replace("/demo/1", "/cart"), data={"sku_id": 10}).status == 201
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect(page.locator("#summary")).to_have_text("Cart: 1 item, $140")


def test_without_a_product_there_is_a_friendly_word_and_a_way_on(visit):
    page = visit(catalogue.UNKNOWN)
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no product 8.")
    assert Axe().run(page).violations_count == 0
    page.get_by_role("link", name="Product 1").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Harbour Lantern")
    visit.failures.clear()  # the browser reports the 404


def test_a_purchase_takes_no_mouse(visit):
    page = visit(9)
    expect(page.get_by_role("radio", name="Tarred")).to_be_checked()
    tab_to(page, "#styles input")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Bare")).to_be_checked()
    tab_to(page, "#sizes input")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="20 m 2 left")).to_be_checked()
    tab_to(page, "#count")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    expect(said(page)).to_have_text("Added: Rope. Cart: 2 items, $60.")
    tab_to(page, "#lines input")
    page.keyboard.press("ArrowDown")
    expect(said(page)).to_have_text("Changed. Cart: 1 item, $30.")
    expect(page.get_by_label("Count of Rope")).to_be_focused()
    tab_to(page, "#lines button")
    page.keyboard.press("Enter")
    expect(lines(page)).to_have_count(0)


def tab_to(page: Page, selector: str) -> None:
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not reached")


def test_what_the_cart_cannot_hold_is_refused_in_words_and_changes_nothing(visit):
    page = visit(9)
    choose(page, "Size", "M")
    page.get_by_label("Count", exact=True).fill("99")
    add(page)
    expect(page.locator("#summary")).to_contain_text("99 items")
    add(page)
    expect(said(page)).to_have_text("Your cart cannot hold more of this.")
    expect(page.locator("#summary")).to_contain_text("99 items")
    visit.failures.clear()  # the browser reports the 422


@pytest.mark.parametrize(("status", "words"), [(429, "That was too fast."), (503, "The shop is not available")])
def test_what_may_pass_is_explained_and_tried_again_with_the_same_key(visit, status, words):
    page, keys = visit(), []
    code = {429: "too-many-requests", 503: "unavailable"}[status]

    def refuse_once(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) > 1:
            return route.continue_()
        headers = {"Retry-After": "1", "Content-Type": "application/problem+json"}
        return route.fulfill(status=status, headers=headers, json={"type": f"/docs#{code}", "detail": ""})

    page.route("**/cart", refuse_once)
    choose(page, "Size", "8 left")
    add(page)
    expect(said(page)).to_have_text(re.compile(f"{words}.* Trying again in 1 s."))
    expect(said(page)).to_have_text("Added: Harbour Lantern. Cart: 1 item, $140.")
    assert len(keys) == 2
    assert len(set(keys)) == 1
    visit.failures.clear()


def test_an_addition_whose_answer_is_lost_counts_once(visit):
    page, seen = visit(), []

    def lose_answers(route: Route) -> None:
        answer = route.fetch()
        seen.append(answer.status)
        return route.fulfill(response=answer) if len(seen) == 4 else route.abort()

    page.route("**/cart", lose_answers)
    choose(page, "Size", "8 left")
    add(page)
    expect(said(page)).to_have_text("The shop does not respond.", timeout=10_000)
    add(page)
    expect(said(page)).to_have_text("Added: Harbour Lantern. Cart: 1 item, $140.")
    assert seen == [201] * 4
    visit.failures.clear()


def test_it_works_below_a_prefix(visit):
    page = visit(prefix=PREFIX)
    choose(page, "Size", "8 left")
    add(page)
    expect(said(page)).to_contain_text("Cart: 1 item")
    page.reload()
    expect(lines(page)).to_have_count(1)
    page.get_by_role("link", name="Rope").click()
    assert page.url.endswith(f"{PREFIX}/demo/9")


def test_it_shows_what_it_has_asked(visit):
    page = visit(7)
    expect(page.locator("#requests li").last).to_have_text(
        re.compile(r"^GET /products/7/page 200 X-Cache: \w+ \d+ ms$")
    )
    expect(page.locator("#requests li").first).to_contain_text("GET /cart/lines 200")
