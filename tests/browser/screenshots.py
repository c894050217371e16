"""``make screenshots``: pictures of the dashboard, with a minute of traffic, and of the demo, over a stack of its own.

``docs/dashboard.png`` and ``docs/demo.png`` are of a wide, light screen; .run/screenshots has them dark and on a phone.
"""

import http.client
import io
import random
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from playwright.sync_api import Browser, Page, expect

from deploy.local.instances import CHECKOUT
from deploy.local.places import Ports, RunDirectory
from etl.console import Console
from etl.generate import generate
from etl.load import load
from tests.browser.watched import Stack, chromium, watched

SECONDS = 50
READERS = 3
PAUSE_SECONDS = 0.002
PRODUCTS = 250
VIEWS = {
    "docs/dashboard.png": ("light", 1440, 1180),
    ".run/screenshots/dark.png": ("dark", 1440, 1180),
    ".run/screenshots/phone.png": ("light", 390, 844),
}
DEMO_VIEWS = {
    "docs/demo.png": ("light", 1280, 1130),
    ".run/screenshots/demo-dark.png": ("dark", 1280, 1130),
    ".run/screenshots/demo-phone.png": ("light", 360, 1900),
}
CHOSEN = [("Harbour Green & Ink", "M", "1"), ("Deep Teal & Fog", "S", "2")]


def some_path() -> str:
    """A read of a few products often and of many seldom, as in a shop."""
    number = min(int(random.paretovariate(0.9)), PRODUCTS)
    one = f"/products/{number}"
    return random.choice([one, one, f"{one}/styles", f"{one}/related", f"/products?ids={number},{number % 9 + 1}"])


def read_until(address: str, is_over: threading.Event) -> None:
    """Ask one after the other on one connection, with a short pause."""
    connection = http.client.HTTPConnection(address, timeout=10)
    while not is_over.wait(PAUSE_SECONDS):
        connection.request("GET", some_path())
        connection.getresponse().read()
    connection.close()


def change_until(stack: Stack, is_over: threading.Event) -> None:
    """Change the price of a few products a second: their entries are invalidated."""
    while not is_over.wait(0.3):
        stack.service.sql("UPDATE products SET default_price = default_price + 1 WHERE id = %s", random.randint(1, 150))


@contextmanager
def traffic(stack: Stack) -> Iterator[None]:
    """Readers and a writer for as long as the block lasts."""
    is_over = threading.Event()
    works: list[tuple[Callable[..., None], object]] = [(read_until, stack.service.nginx.address)] * READERS
    threads = [threading.Thread(target=work, args=(of, is_over)) for work, of in [*works, (change_until, stack)]]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def take(browser: Browser, stack: Stack) -> None:
    """Write one picture of each view, of the page as it is now."""
    for name, page in views(browser, VIEWS):
        now = int(time.time())
        page.goto(f"{stack.dashboard}#window=5m&from={now - SECONDS + 4}&to={now - 2}")
        page.wait_for_selector("body[data-shown='live'] #hottest li")
        page.wait_for_selector("#chart-traffic .area")
        save(page, name)


def take_demo(browser: Browser, stack: Stack, files: Path) -> None:
    """Write one picture of each view of the sample's first product, with something in the cart."""
    generate(files, products=100)
    load(stack.service.postgres.url, files, Console(io.StringIO()))
    for name, page in views(browser, DEMO_VIEWS):
        page.goto(f"{stack.service.nginx.url}/demo/1")
        for number, (style, size, count) in enumerate(CHOSEN, 1):
            page.locator("#styles label", has_text=style).click()
            page.locator("#sizes label", has=page.get_by_text(size, exact=True)).click()
            page.get_by_label("Count", exact=True).fill(count)
            page.get_by_role("button", name="Add to cart").click()
            expect(page.locator("#lines > li")).to_have_count(number)
        page.evaluate("document.activeElement.blur()")
        page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
        save(page, name)


def views(browser: Browser, wanted: Mapping[str, tuple[str, int, int]]) -> Iterator[tuple[str, Page]]:
    """A page of each scheme and size, with the name of its picture."""
    for name, (scheme, width, height) in wanted.items():
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        yield name, page
        page.close()


def save(page: Page, name: str) -> None:
    """Write the picture."""
    path = CHECKOUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path)
    print(path)


def main() -> int:
    """Start the stack, let it work, take the pictures."""
    root = Path(mkdtemp(prefix="screenshots-", dir=RunDirectory(CHECKOUT / ".run").servers()))
    root.chmod(0o755)
    try:
        with watched(root, Ports().take, micro_cache=True) as stack, chromium() as browser:
            with traffic(stack):
                watching = browser.new_page()  # while somebody looks, each second is collected
                watching.goto(stack.dashboard)
                time.sleep(SECONDS)
                take(browser, stack)
            take_demo(browser, stack, root / "files")
    finally:
        shutil.rmtree(root)
    return 0


if __name__ == "__main__":
    sys.exit(main())
