"""One release replaces another under load: expand, deploy one after the other, contract."""

import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from deploy.local import probes
from deploy.local.instances import Instance, Process
from migrations import runner
from service.cache.keys import entry_names
from service.catalogue import Kind
from tests.chaos.load import HOT, Answer, Load, over_http
from tests.chaos.prices import Price, raise_prices
from tests.chaos.waits import again_and_again, wait_until
from tests.e2e.service_under_test import Service, running
from tests.hosts.next_release import CONTRACT, EXPAND, FORMATS
from tests.hosts.shoppers import SKUS, Shopper

_STEADY_ANSWERS = 150


@pytest.fixture
def service(server_root: Path, free_port) -> Iterator[Service]:
    root = Path(mkdtemp(prefix="rolling-", dir=server_root))
    root.chmod(0o755)
    with running(root, free_port, settings={"POSTGRES_TIMEOUT_SECONDS": "5"}) as service:
        service.sql(
            "DELETE FROM products WHERE id BETWEEN 101 AND 19000;"
            "UPDATE products SET slogan = 'Slogan ' || id;"
            "TRUNCATE catalogue_outbox;"  # nothing is cached yet
            "INSERT INTO styles SELECT n, n, 'Style', 1, NULL, true FROM generate_series(1, 100) n;"
            "INSERT INTO skus SELECT n, n, 'M', 5 FROM generate_series(1, %s) n",
            max(SKUS),
        )
        yield service
        for each in (service.invalidator, *service.instances):
            each.kill()


@pytest.fixture
def migrate(service: Service, tmp_path: Path):
    """Applies further migrations after the project's, each a file."""
    for file in runner.DIRECTORY.glob("[0-9]*.sql"):
        shutil.copy(file, tmp_path)

    def applied() -> list[str]:
        while True:
            try:
                return runner.migrate(service.postgres.url, tmp_path)
            except runner.MigrationError as error:
                if "deadlock" not in str(error):  # with a change of several prices: an operator tries again
                    raise

    def migrate(files: Sequence[str]) -> None:
        for sql in files:
            number = len(runner.read(tmp_path)) + 1
            (tmp_path / f"{number:04}_next.sql").write_text(sql)
            assert applied() == [f"{number:04}_next.sql"]

    return migrate


def price_of(product: dict[str, Any]) -> int | None:
    """That of a product whose every other field is as it has to be."""
    price, number = int(product["default_price"]), product["id"]
    wanted = {"name": f"Product {number}", "slogan": f"Slogan {number}", "description": "", "category": "Things"}
    return price if product == {"id": number, **wanted, "default_price": str(price), "features": []} else None


@contextmanager
def changing_prices(service: Service) -> Iterator[list[Price]]:
    changes: list[Price] = []
    with again_and_again(lambda: changes.extend(raise_prices(service, random.sample(HOT, 5)))):
        yield changes


def next_instance(before: Instance, service: Service) -> Instance:
    instance = Instance(int(before.address.rpartition(":")[2]), before.log, service.settings, f"next {before.address}")
    instance.command[-1] = instance.command[-1].replace("service.wsgi:app", "'tests.hosts.next_release:app()'")
    return instance


def next_invalidator(service: Service) -> Process:
    invalidator = Process("invalidator", service.invalidator.log, service.settings)
    invalidator.command[-1] = invalidator.command[-1].replace("service.invalidator", "tests.hosts.next_release")
    return invalidator


def formats(service: Service) -> set[int]:
    """Of what the cache has of hot products."""
    with probes.client(service.redis.url) as client:
        return {stored[0] for stored in client.mget(entry_names((Kind.PRODUCT, each) for each in HOT)) if stored}


def older_after_newer(answers: Sequence[Answer]) -> list[tuple[Answer, Answer]]:
    """Reads that began after a newer price had come, and gave an older one."""
    found = []
    for _, own in groupby(sorted(answers, key=lambda each: each.product_id), lambda each: each.product_id):
        newest: Answer | None = None
        in_order = list(own)
        for each in sorted(in_order, key=lambda each: each.sent):
            come = [other for other in in_order if other.received < each.sent]
            newest = max(come, key=lambda other: other.said.price or 0, default=None)
            if newest and (each.said.price or 0) < (newest.said.price or 0):
                found.append((newest, each))
    return found


def assert_up_to_date(service: Service) -> None:
    """Every hot product, from either instance, when all invalidations are delivered."""
    wait_until(lambda: service.sql("SELECT count(*) FROM catalogue_outbox") == [(0,)])
    prices = dict(service.sql("SELECT id, default_price FROM products WHERE id = ANY (%s)", list(HOT)))
    for instance in service.instances:
        with over_http(instance.address, price_of)() as read:
            assert {product_id: read(product_id).price for product_id in HOT} == prices


def test_a_new_release_replaces_another_under_load(service: Service, migrate) -> None:
    reader = over_http(service.nginx.address, price_of)
    with (
        Load(reader, service.unread).running() as load,
        Shopper(service.nginx.address).shopping() as shopper,
        changing_prices(service) as changes,
    ):

        def more_answers() -> None:
            count = len(load.answers()) + _STEADY_ANSWERS
            assert load.wait_until(lambda answers: len(answers) >= count, 10)

        more_answers()
        migrate(EXPAND)
        service.invalidator.stop()
        service.invalidator = next_invalidator(service)
        service.invalidator.start()
        for number, before in enumerate(service.instances):
            before.stop()
            service.instances[number] = next_instance(before, service)
            service.instances[number].start()
            more_answers()
            if number == 0:
                wait_until(lambda: formats(service) == set(FORMATS))
        migrate(CONTRACT)
        more_answers()
    answers = load.answers()
    assert [each for each in answers if each.said.status != 200 or each.said.price is None] == []
    assert older_after_newer(answers) == []
    assert len({price for _, price, _ in changes}) > 10
    assert_up_to_date(service)
    assert shopper.refused == []
    assert shopper.in_cart() == shopper.added > 10
    assert service.wrong_hits() == 0
    assert "hit" in {each.said.outcome for each in answers[-_STEADY_ANSWERS:]}
    assert formats(service) == {FORMATS[1]}
