"""Pages of a real stack in a real browser."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from playwright.sync_api import Browser, Page

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
