"""What goes wrong during a round: clients that stall, a table that is locked, a Redis that stops for moments."""

import contextlib
import http.client
import itertools
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from deploy.local import probes
from deploy.local.processes import StackError
from service.catalogue import Kind
from tests.bench import wrk
from tests.bench.servers import Server

_STALLED = 100
_SLEEPING = 4  # requests that wait for the lock, at any time
_TIMEOUT_SECONDS = 5.0
_PAUSE_SECONDS = 0.05
_SHOPPERS = 32
_STORM_CONNECTIONS, _STORM_PRODUCTS = 32, 100_000


class NotOurs(StackError):
    """A store that the stack did not start must not be disturbed."""


class Trouble(NamedTuple):
    """What can be disturbed: the stack's own stores by process id, its database, products that are in no cache."""

    stores: Mapping[str, int]
    database_url: str
    cold_ids: Iterator[int]

    def pid(self, store: str) -> int:
        """Raises NotOurs for a store that is somebody's own."""
        if store not in self.stores:
            raise NotOurs(f"{store} is yours and stays undisturbed")
        return self.stores[store]


@contextlib.contextmanager
def stalls_and_locks(trouble: Trouble, server: Server) -> Iterator[None]:
    """Clients that stall half-sent, while every load waits for a lock."""
    trouble.pid("postgres")
    with _stalled_clients(server.address), _sleeping_queries(server.address, trouble.database_url, trouble.cold_ids):
        yield


@contextlib.contextmanager
def storm_of_misses(trouble: Trouble, server: Server) -> Iterator[None]:
    """Other clients, on the cores of this process, that ask for styles which no cache has."""
    before, after = server.path(Kind.STYLES)
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
        file.writelines(f"{product_id}\n" for product_id in itertools.islice(trouble.cold_ids, _STORM_PRODUCTS))
        file.flush()
        about = {"BEFORE": before, "AFTER": after, "IDS": file.name, "CLIENTS": "100", "ENCODINGS": ""}
        with wrk.beside(server.address, "products.lua", about, _STORM_CONNECTIONS, os.sched_getaffinity(0)):
            yield


@contextlib.contextmanager
def additions(_: Trouble, server: Server) -> Iterator[None]:
    """Other clients, who open carts."""
    about = {"CARTS": os.devnull, "KEYED": ""}
    with wrk.beside(server.address, "carts.lua", about, _SHOPPERS, os.sched_getaffinity(0)):
        yield


@contextlib.contextmanager
def redis_pauses(trouble: Trouble, _: Server) -> Iterator[None]:
    """A Redis that stops for 50 ms every second."""
    over = threading.Event()
    stopper = threading.Thread(target=_stop_now_and_then, args=(trouble.pid("redis"), over))
    stopper.start()
    try:
        yield
    finally:
        over.set()
        stopper.join()


@contextlib.contextmanager
def _stalled_clients(address: str) -> Iterator[None]:
    host, _, port = address.rpartition(":")
    with contextlib.ExitStack() as stack:
        for _ in range(_STALLED):
            client = stack.enter_context(socket.create_connection((host, int(port)), timeout=_TIMEOUT_SECONDS))
            client.sendall(b"GET /products/1 HTTP/1.1\r\nHost: ben")
        yield


@contextlib.contextmanager
def _sleeping_queries(address: str, database_url: str, cold_ids: Iterator[int]) -> Iterator[None]:
    over = threading.Event()
    readers = [threading.Thread(target=_read, args=(address, cold_ids, over)) for _ in range(_SLEEPING)]
    with probes.query(database_url) as cursor:
        cursor.execute("SET lock_timeout = '2s'; BEGIN; LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        try:
            for reader in readers:
                reader.start()
            _wait_until_waiting(cursor)
            yield
        finally:
            over.set()
    for reader in readers:
        reader.join()


def _read(address: str, cold_ids: Iterator[int], over: threading.Event) -> None:
    while not over.wait(0.01):
        connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_SECONDS)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", f"/products/{next(cold_ids)}")
            connection.getresponse().read()


def _wait_until_waiting(cursor) -> None:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'products'::regclass")
        if cursor.fetchone()[0] >= 2:
            return
        time.sleep(0.01)
    raise StackError("no load waits for the locked table")


def _stop_now_and_then(pid: int, over: threading.Event) -> None:
    while not over.wait(1.0 - _PAUSE_SECONDS):
        try:
            os.kill(pid, signal.SIGSTOP)
            over.wait(_PAUSE_SECONDS)
        finally:
            os.kill(pid, signal.SIGCONT)
