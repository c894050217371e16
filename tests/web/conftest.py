from contextlib import contextmanager

import pytest

from service.app import create_app
from service.settings import Settings
from service.web import EXTENSION
from tests.web import catalogue

MOST_LINES = 3

# A busy machine is not an outage of Redis. Nobody empties the outbox here, so that one late reply would keep Redis
# bypassed for the rest of a test.
REDIS_TIMEOUT_SECONDS = 2.0


@contextmanager
def serving(database_url, redis_url, **settings):
    given = {
        "cart_secret": "a secret of the tests",
        "cart_max_lines": MOST_LINES,
        "max_body_bytes": 2000,
        "redis_timeout_seconds": REDIS_TIMEOUT_SECONDS,
    }
    app = create_app(Settings(database_url, redis_url, **given | settings))
    yield app
    app.extensions[EXTENSION].close()


@pytest.fixture
def serve():
    """Opens applications with settings of the test's own; all are closed after it."""
    opened = []

    def serve(database_url, redis_url, **settings):
        opened.append(serving(database_url, redis_url, **settings))
        return opened[-1].__enter__()

    yield serve
    for one in opened:
        one.__exit__(None, None, None)


@pytest.fixture(scope="session")
def shared_database_url(new_database, migrated_template):
    """The catalogue for all tests that leave it as it is; carts come and go in it."""
    url = new_database(migrated_template)
    catalogue.fill(url)
    return url


@pytest.fixture(scope="session")
def app(shared_database_url, redis_server):
    """One application for those tests, with a part of Redis for itself."""
    with serving(shared_database_url, redis_server.url.removesuffix("/0") + "/5") as app:
        yield app


@pytest.fixture
def client(app):
    """A caller without a cart."""
    return app.test_client()


@pytest.fixture
def own_database(database_url):
    """The catalogue in a database that the test may change."""
    catalogue.fill(database_url)
    return database_url
