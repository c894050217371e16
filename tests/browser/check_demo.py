"""``make browser``: the demo shows a product.

Not one of ``make test``: see check_dashboard.py.
"""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.shop import PREFIX, add, choose, lines, said
from tests.web import catalogue

PHONE = {"width": 360, "height": 740}


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


def test_without_a_product_there_is_a_friendly_word_and_a_way_on(visit):
    page = visit(catalogue.UNKNOWN)
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such product.")
    assert Axe().run(page).violations_count == 0
    page.get_by_role("link", name="Product 1").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Harbour Lantern")
    visit.failures.clear()  # the browser reports the 404


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
