"""The demo of an instance behind nginx, over the small catalogue with some rows of its own, and what one does in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page

from tests.front import behind_nginx
from tests.web import catalogue

PREFIX = "/shop"
RED = "data:image/gif;base64,R0lGODlhAQABAIAAAP8AAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw=="
BROKEN = "data:image/gif;base64,AAAA"
ROWS = {
    "photos": [(400, 12, RED, RED), (401, 12, BROKEN, BROKEN)],
    "styles": [(71, 7, "Plain", 80, None, False), (72, 7, "Painted", 90, None, True)],
}


@contextmanager
def open_shop(root: Path, free_port: Callable[[str], int], database_url: str, redis_url: str) -> Iterator[str]:
    """Fill the database and start both in ``root``, give the URL, stop them. It is also found below PREFIX."""
    given = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CART_SECRET": "only for these tests",
        "DEMO": "on",
        "BASE_PATH": PREFIX,
        "INSTANCES": f"127.0.0.1:{free_port('demo web')}",
        "LISTEN": f"127.0.0.1:{free_port('demo nginx')}",
    }
    catalogue.fill(database_url)
    rows = [(catalogue.insertion(table, row), row) for table, rows in ROWS.items() for row in rows]
    catalogue.execute(database_url, *rows)
    with behind_nginx(root, given) as url:
        yield url


def choose(page: Page, group: str, text: str) -> None:
    """Choose the style or the size that has this text."""
    page.get_by_role("group", name=group, exact=True).locator("label", has_text=text).click()


def add(page: Page) -> None:
    """Add what is chosen to the cart."""
    page.get_by_role("button", name="Add to cart").click()


def said(page: Page) -> Locator:
    """What the page says of the last change of the cart."""
    return page.locator("#said")


def lines(page: Page) -> Locator:
    """The lines of the cart."""
    return page.locator("#lines > li")
