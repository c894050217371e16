"""``make browser``: the page of the API, with its viewer, below a base path as behind another server."""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from deploy.openapi.examples import fill
from tests.front import behind_nginx

BASE_PATH = "/api/shop"
LOADED_MS = 15_000
# Not every browser keeps the place by itself when a page grows above it.
UNANCHORED = "addEventListener('DOMContentLoaded', () => { document.documentElement.style.overflowAnchor = 'none'; })"
OF_OURS = {"rules": {"landmark-no-duplicate-main": {"enabled": False}}}  # Swagger UI has another one in ours


@pytest.fixture(scope="module")
def origin(server_root: Path, free_port, new_database, migrated_template, redis_server) -> Iterator[str]:
    """Where nginx is; the service is below BASE_PATH, over the sample catalogue."""
    root = Path(mkdtemp(prefix="docs-", dir=server_root))
    root.chmod(0o755)
    given = {
        "DATABASE_URL": new_database(migrated_template),
        "REDIS_URL": redis_server.url.rpartition("/")[0] + "/9",
        "CART_SECRET": "only for these tests",
        "BASE_PATH": BASE_PATH,
        "INSTANCES": f"127.0.0.1:{free_port('docs web')}",
        "LISTEN": f"127.0.0.1:{free_port('docs nginx')}",
    }
    fill(given["DATABASE_URL"], root / "catalogue")
    with behind_nginx(root, given) as url:
        yield url


@pytest.fixture
def opened(origin: str, browser: Browser):
    """Opens the page; nothing may fail in it, and no request may leave the service."""
    contexts, failures = [], []

    def requested(url: str) -> None:
        if not url.startswith((f"{origin}{BASE_PATH}/", "data:")):
            failures.append(url)

    def opened(anchor: str = "", **options) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda line: failures.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("request", lambda request: requested(request.url))
        page.add_init_script(UNANCHORED)
        page.goto(f"{origin}{BASE_PATH}/docs{anchor}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert failures == []


def operation(page: Page, name: str):
    return page.locator(f"[id$='-{name}']")


def tried(page: Page, name: str, **parameters: str) -> tuple[str, str]:
    """The status and the body that the viewer shows for a request with its examples, but for these parameters."""
    shown = operation(page, name)
    shown.locator(".opblock-summary").click(timeout=LOADED_MS)
    for parameter, value in parameters.items():
        shown.locator(f"tr[data-param-name='{parameter}'] input[type='text']").fill(value)
    shown.get_by_role("button", name="Execute").click()
    live = shown.locator(".live-responses-table .response")
    return live.locator(".response-col_status").first.inner_text(), live.locator("pre").first.inner_text()


def test_a_product_can_be_tried(opened):
    status, body = tried(opened(), "show_product")
    assert status.startswith("200")
    assert '"id": 1,' in body
    assert '"features"' in body


def test_a_list_can_be_tried(opened):
    status, body = tried(opened(), "list_products", count="7")
    assert status.startswith("200")
    assert body.count('"slogan"') == 7


def test_a_cart_can_be_tried(opened):
    page = opened()
    assert tried(page, "add_to_cart")[0].startswith("201")
    status, body = tried(page, "show_cart")
    assert status.startswith("200")
    assert re.sub(r"\s", "", body) == '[{"sku_id":14,"count":2}]'
    assert tried(page, "set_line")[0].startswith("204")
    assert '"total": "300"' in tried(page, "show_priced_cart")[1]


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("code", ["malformed", "unavailable"])
def test_the_address_of_a_problem_shows_its_line(opened, code, scripts):
    page = opened(f"#{code}", java_script_enabled=scripts)
    if scripts:
        expect(operation(page, "show_product")).to_be_visible(timeout=LOADED_MS)
    expect(page.locator(f"tr#{code}")).to_be_in_viewport()


def test_without_scripts_the_routes_are_there_in_words(opened):
    page = opened(java_script_enabled=False)
    expect(page.locator("#show_product h3")).to_have_text("GET /products/{product_id}")
    expect(page.locator("#add_to_cart")).to_contain_text("count in the body: integer or string 1…99, default 1")
    expect(page.locator("#add_to_cart a[href='#unknown-sku']")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_ours_stands_in_nobodys_way(opened, scheme, scripts):
    page = opened(color_scheme=scheme, viewport={"width": 360, "height": 740})
    if scripts:
        expect(operation(page, "show_product")).to_be_visible(timeout=LOADED_MS)
    found = Axe().run(page, context={"exclude": [["#viewer > .swagger-ui"]]}, options=OF_OURS)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
