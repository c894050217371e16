"""Whether serving costs more when the catalogue is larger: the same reads of 10,000 products and of all."""

import io
import random
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

from flask.testing import FlaskClient
from psycopg2.extensions import make_dsn

from deploy.local import probes
from deploy.local.instances import CHECKOUT
from deploy.local.places import Ports, RunDirectory
from deploy.local.servers import Redis
from etl.console import Console
from etl.generate import generate
from etl.load import load
from migrations import runner
from service.app import create_app
from service.settings import Settings
from service.web import EXTENSION
from tests.bench.turns import SAMPLE

SMALL = 10_000
ROUNDS = 5
READS = ("/products/{}", "/products/{}/styles", "/products/{}/related")


def report(settings: Settings) -> None:
    """Print the median time of a read from Postgres and of one from Redis, with both catalogues."""
    with ExitStack() as stack:
        redis = stack.enter_context(_private_redis())
        small = replace(settings, database_url=stack.enter_context(_small_catalogue(settings.database_url)))
        sides = [
            (
                _client(stack, replace(each, redis_url=redis.url.removesuffix("/0") + f"/{number}")),
                _ids(each.database_url),
            )
            for number, each in enumerate((small, settings))
        ]
        large = f"{max(sides[1][1]):,}"
        print(f"{'Flask, p50 in µs':24}{'uncached':>10}{large:>12}{'ratio':>8}{'cached':>12}{large:>12}{'ratio':>8}")
        for path in READS:
            (miss, hit), (large_miss, large_hit) = _measured(redis, sides, path)
            print(
                f"{path:24}{miss:10.0f}{large_miss:12.0f}{large_miss / miss:8.2f}"
                f"{hit:12.0f}{large_hit:12.0f}{large_hit / hit:8.2f}",
                flush=True,
            )


def _measured(redis: Redis, sides: Sequence[tuple[FlaskClient, Sequence[int]]], path: str) -> list[tuple[float, float]]:
    taken: list[dict[str, list[float]]] = [{"miss": [], "hit": []} for _ in sides]
    for number in range(ROUNDS + 1):
        with probes.client(redis.url) as client:
            client.flushall()
        for outcome in ("miss", "hit"):
            for place in range(SAMPLE):
                for (client, ids), times in zip(sides, taken, strict=True):
                    began = perf_counter()
                    answer = client.get(path.format(ids[place]))
                    seconds = perf_counter() - began
                    if number:  # the first round warms Postgres
                        assert (answer.status_code, answer.headers["X-Cache"]) == (200, outcome)
                        times[outcome].append(seconds * 1e6)
    return [(median(each["miss"]), median(each["hit"])) for each in taken]


def _client(stack: ExitStack, settings: Settings) -> FlaskClient:
    app = create_app(settings)
    stack.callback(app.extensions[EXTENSION].close)
    return app.test_client()


def _ids(url: str) -> list[int]:
    with probes.query(url) as cursor:
        cursor.execute("SELECT id FROM products")
        return random.sample([row[0] for row in cursor.fetchall()], SAMPLE)


@contextmanager
def _small_catalogue(url: str) -> Iterator[str]:
    """A database of its own beside the one at ``url``, which is dropped in the end."""
    name = f"small_{uuid.uuid4().hex}"
    with probes.query(url) as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        small = _url_of(url, name)
        runner.migrate(small)
        with tempfile.TemporaryDirectory() as files:
            generate(Path(files), SMALL, 1, None)
            load(small, Path(files), Console(io.StringIO()))
        yield small
    finally:
        with probes.query(url) as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _url_of(url: str, database: str) -> str:
    return make_dsn(url, dbname=database)


@contextmanager
def _private_redis() -> Iterator[Redis]:
    root = Path(tempfile.mkdtemp(prefix="bench-", dir=RunDirectory(CHECKOUT / ".run").servers()))
    root.chmod(0o755)
    server = Redis(root, Ports().take("redis"), root / "redis.log")
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(root)
