"""``make browser``: somebody buys something in the demo.

Not one of ``make test``: see check_dashboard.py.
"""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.shop import add, choose, lines, said


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


def test_a_page_that_comes_back_shows_the_cart_as_it_is_now(visit):
    page = visit()
    expect(page.locator("#summary")).to_have_text("Cart: empty")
    assert page.request.post(page.url.replace("/demo/1", "/cart"), data={"sku_id": 10}).status == 201
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect(page.locator("#summary")).to_have_text("Cart: 1 item, $140")


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
