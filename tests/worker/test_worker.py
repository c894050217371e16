"""What the event loop promises beyond the stock one: nobody waits for somebody else's slow client, query or cache."""

import dataclasses
import http.client
import itertools
import re
import resource
import selectors
import signal
import socket
import threading
import time
from contextlib import ExitStack, contextmanager

import psycopg2
import pytest

from deploy.local import probes
from service.settings import Settings
from tests.bench.open_loop import OpenLoop
from tests.chaos.proxy import FaultProxy
from tests.chaos.waits import again_and_again, wait_until
from tests.locks import locked, waiting

GET = b"GET /products/%d HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def instance(launch):
    return launch(POSTGRES_TIMEOUT_SECONDS="1.5")  # of which one document here is 8 MB


@pytest.fixture
def connect(instance):
    """Opens connections; all are closed after the test."""
    with ExitStack() as stack:

        def connect(receive_buffer=None):
            client = stack.enter_context(socket.socket())
            if receive_buffer:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            client.settimeout(20)
            host, _, port = instance.address.rpartition(":")
            client.connect((host, int(port)))
            return client

        yield connect


def answer(client):
    """Status and body of one answer."""
    with client.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        length = 0
        while (line := stream.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length: "):
                length = int(line[16:])
        return status, stream.read(length)


def ask(client, number):
    client.sendall(GET % number)
    return answer(client)


def outcome(client, number):
    """What X-Cache says of one answer that fits into a packet."""
    client.sendall(GET % number)
    return re.search(rb"X-Cache: (.*)\r\n", client.recv(65536))[1]


def assert_hits_are_quick(client, seconds=0.5):
    """A hundred hits, each on its own."""
    for _ in range(100):
        began = time.monotonic()
        assert ask(client, 1)[0] == 200
        assert time.monotonic() - began < seconds


def test_a_pipeline_is_answered_in_its_order(connect):
    client = connect()
    client.sendall(GET % 1 + GET % 2 + b"HEAD /products/3 HTTP/1.1\r\nHost: a\r\n\r\n" + GET % 4)
    client.shutdown(socket.SHUT_WR)
    with client.makefile("rb") as stream:
        received = stream.read()
    bodies = [received.index(b'{"id":%d,' % number) for number in (1, 2, 4)]
    assert bodies == sorted(bodies)
    assert received.count(b"HTTP/1.1 200 OK") == 4
    assert b'{"id":3,' not in received


def test_a_request_may_come_byte_by_byte_and_connections_are_kept(connect):
    client = connect()
    for byte in GET % 1:
        client.sendall(bytes([byte]))
    assert answer(client)[0] == 200
    assert ask(client, 2)[0] == 200
    client.sendall(b"GET /products?count=1 HTTP/1.1\r\nHost: a\r\n\r\n")  # the application's
    assert answer(client)[0] == 200
    assert ask(client, 3)[0] == 200


def test_stalled_clients_stop_nobody_and_are_closed(connect):
    stalled = [connect() for _ in range(100)]
    for number, client in enumerate(stalled):
        client.sendall((GET % 1)[: number % 30 + 1])
    assert_hits_are_quick(connect())
    for client in stalled:
        assert client.recv(1) == b""


def test_a_large_answer_to_a_slow_reader_arrives_whole_and_stops_nobody(connect, given):
    connection = psycopg2.connect(given["DATABASE_URL"])
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO styles VALUES (4000, 60, 'Style', 10, NULL, true);"
            "INSERT INTO photos SELECT n, 4000, repeat('u', 400), repeat('t', 400) FROM generate_series(4001, 14000) n"
        )
    connection.close()
    slow, quick = connect(receive_buffer=4096), connect()
    for _ in range(2):  # a miss and a hit
        slow.sendall(b"GET /products/60/styles HTTP/1.1\r\nHost: a\r\n\r\n")
        assert slow.recv(9) == b"HTTP/1.1 "
        assert_hits_are_quick(quick)
        with slow.makefile("rb") as stream:
            length = next(int(line[16:]) for line in stream if line.startswith(b"Content-Length: "))
            while stream.readline() != b"\r\n":
                pass
            body = stream.read(length)
        assert length > 8_000_000
        assert body.count(b'"thumbnail_url"') == 10_000
        assert body.endswith(b"]}")


def test_slow_queries_stop_no_hit_and_end_at_their_deadline(connect, given):
    hit = connect()
    assert ask(hit, 1)[0] == 200
    with locked(given):
        waiting = [connect() for _ in range(40)]
        for number, client in enumerate(waiting):
            client.sendall(GET % (100 + number))
        assert_hits_are_quick(hit)
        for client in waiting:
            status, body = answer(client)
            assert status == 503
            assert b'"type":"/docs#unavailable"' in body
    assert ask(waiting[0], 100)[0] == 404


def test_who_waits_for_a_load_to_begin_is_refused_within_the_deadline_too(connect, given):
    with locked(given):
        held_up = [connect() for _ in range(2)]  # as many as may be in flight
        for number, client in enumerate(held_up):
            client.sendall(GET % (200 + number))
            client.settimeout(0.2)
            with pytest.raises(TimeoutError):
                client.recv(1)
        late = connect()
        began = time.monotonic()
        late.sendall(GET % 300)
        assert answer(late)[0] == 503
        assert 1.4 < time.monotonic() - began < 2


def test_locked_products_hold_up_no_addition_to_a_cart(connect, given):
    shopper = connect()
    assert ask(shopper, 1)[0] == 200
    with locked(given, "products, styles"):
        for number in range(2):  # batches of each kind
            for suffix in (b"", b"/styles"):
                connect().sendall((GET % (600 + number)).replace(b" HTTP", suffix + b" HTTP"))
            wait_until(lambda: waiting(given) >= 2)
            assert_hits_are_quick(shopper)  # and by then as many wait as can
        began = time.monotonic()
        for _ in range(3):
            shopper.sendall(
                b"POST /cart HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"
                b'{"sku_id":1}'
            )
            assert answer(shopper)[0] == 201
        assert time.monotonic() - began < 1


def test_too_many_waiting_are_refused_at_once(launch, given):
    patient = launch(POSTGRES_TIMEOUT_SECONDS="3")
    host, _, port = patient.address.rpartition(":")
    with ExitStack() as stack:
        hit, *waiting = [stack.enter_context(socket.create_connection((host, int(port)), 20)) for _ in range(961)]
        assert ask(hit, 1)[0] == 200
        with locked(given):
            began = time.monotonic()
            for number, client in enumerate(waiting):
                client.sendall(GET % (1000 + number))
            answered_after = [at - began for at in arrivals(waiting)]
        assert {answer(client)[0] for client in waiting} == {503}
        assert sum(seconds < 1.5 for seconds in answered_after) >= 960 - 512 - 3 * 128
        assert sum(seconds > 2.9 for seconds in answered_after) >= 512
        assert_hits_are_quick(hit)


def arrivals(clients):
    """When each of them got the first of its answer, in the order in which they did."""
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client, selectors.EVENT_READ)
        while selector.get_map():
            events = selector.select(20)
            assert events
            for key, _ in events:
                selector.unregister(key.fileobj)
                yield time.monotonic()


def test_the_same_missing_key_is_one_query_for_all_who_wait(connect, given):
    with locked(given, "related_products"):
        waiting = [connect() for _ in range(50)]
        for client in waiting:
            client.sendall(b"GET /products/7/related HTTP/1.1\r\nHost: a\r\n\r\n")
        connection = psycopg2.connect(given["DATABASE_URL"])
        connection.autocommit = True
        with connection.cursor() as cursor:
            seen = 0
            deadline = time.monotonic() + 10
            while not seen:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
                )
                ((seen,),) = cursor.fetchall()
                assert time.monotonic() < deadline
            assert seen == 1
        connection.close()
    assert {answer(client)[0] for client in waiting} == {200}


def test_connections_that_redis_closes_cost_nobody_an_answer_or_a_second(connect, given):
    client = connect()
    with probes.query(given["DATABASE_URL"]) as cursor:
        cursor.execute("TRUNCATE catalogue_outbox")  # there is no invalidator here
    with probes.client(given["REDIS_URL"]) as redis:
        for _ in range(5):
            assert ask(client, 1)[0] == 200
            redis.client_kill_filter(_type="normal", skipme=True)
            assert_hits_are_quick(client)
    deadline = time.monotonic() + 10
    while outcome(client, 1) != b"hit":  # by itself
        assert time.monotonic() < deadline


def test_a_loop_that_stood_still_takes_the_hits_that_have_arrived_meanwhile(launch, given, free_port):
    """Without Postgres nobody else has them. Of its deadline of 100 ms Redis needs less than one."""
    proxy = FaultProxy(free_port("before postgres"), given["DATABASE_URL"].rpartition("@")[2].partition("/")[0])
    proxy.start()
    try:
        address = given["DATABASE_URL"].rpartition("@")[2]
        url = given["DATABASE_URL"].replace(address, f"{proxy.address}/{address.partition('/')[2]}")
        instance = launch(DATABASE_URL=url, COVERAGE_PROCESS_CONFIG="")
        for number in range(1, 61):
            probes.status(instance.address, f"/products/{number}")
        proxy.cut()
        numbers = itertools.cycle(range(1, 61))
        loop = OpenLoop(instance.address, lambda: GET % next(numbers), rate=3000, seconds=4, connections=64)
        with stalls(instance):
            outcome = loop.run()
    finally:
        proxy.stop()
    assert outcome.answers == 12_000
    assert outcome.errors == 0


@contextmanager
def stalls(instance):
    """Its processes stand still for 150 ms, again and again."""

    def stall():
        instance.pause()
        time.sleep(0.15)
        instance.resume()

    with again_and_again(stall):
        yield


@contextmanager
def idle_clients(instance, count):
    host, _, port = instance.address.rpartition(":")
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection((host, int(port)), 20)) for _ in range(count)]


def test_more_clients_than_descriptors_wait_to_be_accepted_and_the_worker_lives(launch):
    instance = launch(limit=200, COVERAGE_PROCESS_CONFIG="")
    workers = instance.children()
    with idle_clients(instance, 300) as (first, *others):
        assert_hits_are_quick(first)
        last = others[-1]
        last.sendall(GET % 1)
        last.settimeout(0.5)
        with pytest.raises(TimeoutError):
            last.recv(1)
        for client in others[:-1]:
            client.close()
        last.settimeout(20)
        assert answer(last)[0] == 200
        assert_hits_are_quick(first)
    assert instance.children() == workers


def test_when_descriptors_run_out_only_what_needs_one_waits(launch):
    instance = launch(COVERAGE_PROCESS_CONFIG="")
    (worker,) = workers = instance.children()
    with idle_clients(instance, 1) as (first,):
        assert_hits_are_quick(first)
        limits = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (3, limits[1]))  # of those it has, none is taken away
        with idle_clients(instance, 20) as (*_, last):
            last.sendall(GET % 1)
            last.settimeout(0.5)
            with pytest.raises(TimeoutError):
                last.recv(1)
            assert_hits_are_quick(first)
            resource.prlimit(worker, resource.RLIMIT_NOFILE, limits)
            last.settimeout(20)
            assert answer(last)[0] == 200
    assert instance.children() == workers


def test_clients_that_leave_while_they_wait_harm_nobody(connect, given):
    with locked(given):
        for number in range(50):
            client = connect()
            client.sendall(GET % (5000 + number))
            client.close()
        assert_hits_are_quick(connect())
    assert ask(connect(), 20)[0] == 200


def test_who_comes_while_it_stops_is_answered_or_refused_but_never_kept_waiting(launch):
    instance = launch()
    host, _, port = instance.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=1) as kept:  # for which the worker lingers two seconds
        assert ask(kept, 1)[0] == 200
        instance.ask_to_stop()
        until, refused = time.monotonic() + 1.5, False
        while not refused:
            assert time.monotonic() < until
            try:
                with socket.create_connection((host, int(port)), timeout=1) as late:
                    assert ask(late, 1)[0] == 200
            except ConnectionError:
                refused = True


def test_a_reload_under_requests_loses_none(launch, nginx_server):
    instance = launch()
    nginx = nginx_server(instance.address, micro_cache=False)
    stop, statuses, errors = threading.Event(), [], []

    def read(number):
        host, _, port = nginx.address.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        while not stop.is_set():
            number = number % 60 + 1
            try:
                connection.request("GET", f"/products/{number}")
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
            except (OSError, http.client.HTTPException) as error:
                errors.append(error)
        connection.close()

    threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        enough = len(statuses) + 500
        instance.process.send_signal(signal.SIGHUP)
        while len(statuses) < enough and threads[0].is_alive():
            time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join(20)
    assert errors == []
    assert set(statuses) == {200}
    assert len(statuses) >= 1500


def test_with_the_largest_value_of_every_setting_it_answers(launch, given):
    numbers = [field for field in dataclasses.fields(Settings) if field.type in ("int", "float")]
    largest = {field.name.upper(): str(field.metadata["at_most"]) for field in numbers}
    instance = launch(**largest | {"POSTGRES_CONNECTIONS": "40", "COVERAGE_PROCESS_CONFIG": ""})  # of 100 of all tests
    with idle_clients(instance, int(largest["THREADS"])) as clients:
        with locked(given):
            for number, client in enumerate(clients):
                client.sendall(b"GET /products/%d? HTTP/1.1\r\nHost: a\r\n\r\n" % (70_000 + number))  # for Flask
            wait_until(lambda: waiting(given) >= 20)  # the other half is for the fast path
        assert {answer(client)[0] for client in clients} == {404}
