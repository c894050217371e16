"""Pages of a real stack in a real browser."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.shop import open_shop
from tests.browser.watched import Stack, chromium, watched


@pytest.fixture(scope="session")
def stack(server_root: Path, free_port) -> Iterator[Stack]:
    root = Path(mkdtemp(prefix="browser-", dir=server_root))
    root.chmod(0o755)
    with watched(root, free_port) as stack:
        yield stack


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page in a context with the given options; nothing may fail in it."""
    contexts, failures = [], []

    def new_page(**options) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda line: failures.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: failures.append(str(error)))
        return page

    new_page.failures = failures
    yield new_page
    for context in contexts:
        context.close()
    assert failures == []


@pytest.fixture
def opened(stack: Stack, new_page: Callable[..., Page]) -> Callable[..., Page]:
    """Opens the dashboard, live with its first numbers."""

    def opened(url: str = stack.dashboard, *, until: str = "live", **options) -> Page:
        page = new_page(**options)
        page.goto(url)
        page.wait_for_selector(f"body[data-shown='{until}'] #chart-rate")
        return page

    opened.failures = new_page.failures
    return opened


@pytest.fixture(scope="session")
def shop(server_root: Path, free_port, new_database, migrated_template, redis_server) -> Iterator[str]:
    root = Path(mkdtemp(prefix="demo-", dir=server_root))
    root.chmod(0o755)
    redis_url = redis_server.url.rpartition("/")[0] + "/9"
    with open_shop(root, free_port, new_database(migrated_template), redis_url) as url:
        yield url


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
