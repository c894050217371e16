"""Readiness probes, one per kind of server, each with a timeout. Messages do not show a URL's password."""

import contextlib
import http.client
from urllib.parse import urlsplit

import psycopg2
import redis as redis_client
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.local.processes import StackError

_SECONDS = 2


def postgres(url: str) -> None:
    """Raise StackError unless Postgres runs a query there."""
    try:
        with query(url) as cursor:
            cursor.execute("SELECT")
    except psycopg2.Error:
        raise StackError(f"Postgres at {_place(url)} does not answer") from None


class query:  # noqa: N801 - used like a function
    """One autocommitting cursor at a database, closed with its connection at the end."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self):
        self.connection = psycopg2.connect(self.url, connect_timeout=_SECONDS)
        self.connection.autocommit = True
        return self.connection.cursor()

    def __exit__(self, *error: object) -> None:
        self.connection.close()


def redis(url: str) -> None:
    """Raise StackError unless Redis answers PING there."""
    try:
        with client(url) as connected:
            connected.ping()
    except (redis_client.RedisError, ValueError):
        raise StackError(f"Redis at {_place(url)} does not answer") from None


def client(url: str) -> redis_client.Redis:
    """Return a client that does not retry."""
    retry = Retry(NoBackoff(), 0)
    return redis_client.Redis.from_url(url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS, retry=retry)


def status(address: str, path: str) -> int:
    """Return the status of a GET; raises OSError if no HTTP server responds there."""
    connection = http.client.HTTPConnection(address, timeout=_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from None
    finally:
        connection.close()


def alive(address: str) -> None:
    """Raise OSError or StackError unless the service answers at ``host:port``."""
    if (found := status(address, "/livez")) != 200:
        raise StackError(f"http://{address}/livez answers {found}")


def _place(url: str) -> str:
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port}"
    return "the given address"
