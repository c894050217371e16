import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.local import probes
from service.cart.additions import ADD_LINES, LOCK_CARTS, Addition, Additions
from service.cart.carts import Carts
from service.coroutines import block_on
from service.errors import PostgresUnavailable
from service.metrics import Metrics
from service.postgres import Call, Postgres
from tests.chaos.waits import wait_until
from tests.locks import is_waiting
from tests.web.catalogue import execute

MOST_LINES, MOST_ITEMS, FEW_ITEMS = 3, 2147483647, 120
SKUS = (9, 10, 37, 100, 911)


@pytest.fixture(scope="module")
def postgres(shared_database_url):
    postgres = Postgres(shared_database_url, 2, 2.0)
    yield postgres
    postgres.close()


@pytest.fixture(scope="module")
def carts(postgres):
    return Carts(postgres, MOST_LINES, MOST_ITEMS)


@pytest.fixture(scope="module")
def additions(postgres):
    return Additions(postgres, MOST_LINES, MOST_ITEMS, Metrics())


def add(additions, *wanted):
    outcomes = block_on(additions.add([Addition(*one) for one in wanted]))
    return [one.refusal and one.refusal.code for one in outcomes]


def test_no_addition_is_none(additions):
    assert block_on(additions.add([])) == []


def test_each_addition_has_its_own_answer(carts, additions):
    one, other = uuid4(), uuid4()
    asked = [(one, 9, 2), (other, 9, 1), (one, 5, 1), (one, 9, 3), (other, 5, 1)]
    last = [(one, 37, 1), (one, 10, 1), (one, 100, 1)]
    answers = [None, None, "unknown-sku", None, "unknown-sku", None, None, "too-many-lines"]
    assert add(additions, *asked, *last) == answers
    assert block_on(carts.contents(one)) == b'[{"sku_id":9,"count":5},{"sku_id":10,"count":1},{"sku_id":37,"count":1}]'
    assert block_on(carts.contents(other)) == b'[{"sku_id":9,"count":1}]'


def test_the_first_to_ask_get_the_lines_that_are_left(carts, additions):
    cart_id = uuid4()
    assert add(additions, (cart_id, 100, 1)) == [None]
    asked = [(cart_id, sku_id, 1) for sku_id in (911, 37, 9, 911, 100, 9)]
    assert add(additions, *asked) == [None, None, "too-many-lines", None, None, "too-many-lines"]
    assert (
        block_on(carts.contents(cart_id))
        == b'[{"sku_id":37,"count":1},{"sku_id":100,"count":2},{"sku_id":911,"count":2}]'
    )


def test_what_is_too_much_together_is_refused_from_there_on(carts, additions):
    cart_id = uuid4()
    asked = [(cart_id, 9, 2147483600), (cart_id, 9, 47), (cart_id, 9, 1), (cart_id, 10, 1)]
    assert add(additions, *asked) == [None, None, "too-many-items", None]
    assert block_on(carts.contents(cart_id)) == b'[{"sku_id":9,"count":2147483647},{"sku_id":10,"count":1}]'


WANTED = st.lists(
    st.tuples(st.sampled_from((1, 2)), st.sampled_from((*SKUS, 5)), st.integers(1, 99)), min_size=1, max_size=12
)


@settings(max_examples=100, deadline=None, database=None)
@given(WANTED, st.lists(st.sampled_from(SKUS), max_size=MOST_LINES))
def test_a_batch_comes_to_the_same_as_its_additions_one_by_one(postgres, carts, wanted, before):
    additions = Additions(postgres, MOST_LINES, FEW_ITEMS, Metrics())
    ids = {(way, n): uuid4() for way in ("batch", "single") for n in (1, 2)}
    for cart_id in ids.values():
        add(additions, *((cart_id, sku_id, 1) for sku_id in before))
    together = add(additions, *((ids["batch", n], sku_id, pieces) for n, sku_id, pieces in wanted))
    assert together == [add(additions, (ids["single", n], sku_id, pieces))[0] for n, sku_id, pieces in wanted]
    for n in (1, 2):
        assert block_on(carts.contents(ids["batch", n])) == block_on(carts.contents(ids["single", n]))


def test_many_who_want_more_than_there_is_room_for_are_refused_in_one_round(additions, monkeypatch):
    cart_id, rounds, run = uuid4(), [], additions._run
    monkeypatch.setattr(additions, "_run", lambda wanted: rounds.append(len(wanted)) or run(wanted))
    answers = add(additions, (cart_id, 9, 2147483600), *[(cart_id, 9, 99)] * 60, *[(cart_id, 10, 1)] * 3)
    assert answers == [None, *["too-many-items"] * 60, None, None, None]
    assert rounds == [64]


def test_a_key_adds_once_and_repeats_its_answer_also_a_refusal(carts, additions):
    cart_id, other = uuid4(), uuid4()
    wanted = [Addition(cart_id, 9, 2, "a"), Addition(cart_id, 5, 1, "b"), Addition(other, 9, 1, "a")]
    first, again = (block_on(additions.add(wanted)) for _ in range(2))
    for outcomes, is_replayed in ((first, False), (again, True)):
        codes = [(one.refusal and one.refusal.code, one.is_replayed) for one in outcomes]
        assert codes == [(None, is_replayed), ("unknown-sku", is_replayed), (None, is_replayed)]
    assert block_on(carts.contents(cart_id)) == b'[{"sku_id":9,"count":2}]'
    assert add(additions, (cart_id, 9, 3, "a"), (cart_id, 10, 2, "a"), (cart_id, 9, 1, "b")) == [
        "key-reused",
        "key-under-way",
        "key-reused",
    ]
    assert block_on(carts.contents(cart_id)) == b'[{"sku_id":9,"count":2}]'


KEYS = ("'", '"', "\\", '\\"', "{", "}", ",", "NULL", "null", " ", "a b", "%s", "$1", "~" * 255)


def test_keys_may_be_anything_printable(carts, additions):
    cart_id = uuid4()
    for _ in range(2):
        assert add(additions, *((cart_id, 9, 1, key) for key in KEYS)) == [None] * len(KEYS)
    assert block_on(carts.contents(cart_id)) == b'[{"sku_id":9,"count":%d}]' % len(KEYS)


def test_while_the_first_with_a_key_is_under_way_others_are_told_so_and_not_held_up(
    carts, additions, shared_database_url
):
    """Its transaction waits for the cart, which another session has locked."""
    cart_id = uuid4()
    assert add(additions, (cart_id, 9, 1)) == [None]
    with ThreadPoolExecutor(1) as pool, probes.query(shared_database_url) as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT FROM carts WHERE id = %s FOR UPDATE", (str(cart_id),))
        first = pool.submit(add, additions, (cart_id, 9, 1, "key"))
        wait_until(lambda: is_waiting(cursor, "lock_carts"))
        assert add(additions, (cart_id, 9, 1, "key")) == ["key-under-way"]
        cursor.execute("COMMIT")
        assert first.result(5) == [None]
    assert add(additions, (cart_id, 9, 1, "key")) == [None]
    assert block_on(carts.contents(cart_id)) == b'[{"sku_id":9,"count":2}]'


def test_a_cart_that_somebody_holds_is_refused_alone(carts, additions, shared_database_url):
    held, free, other = uuid4(), uuid4(), uuid4()
    assert add(additions, *((cart_id, 9, 1) for cart_id in (held, free, other))) == [None] * 3
    with probes.query(shared_database_url) as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT FROM carts WHERE id = %s FOR UPDATE", (str(held),))
        began = time.monotonic()
        wanted = [(free, 9, 1), (held, 9, 1, "key"), (other, 5, 1), (held, 10, 1), (other, 10, 1)]
        assert add(additions, *wanted) == [None, "unavailable", "unknown-sku", "unavailable", None]
        assert time.monotonic() - began < 1.5  # the deadline of a call is 2 s
        cursor.execute("COMMIT")
    assert add(additions, (held, 9, 1, "key")) == [None]
    contents = [block_on(carts.contents(cart_id)) for cart_id in (held, free, other)]
    assert contents == [
        b'[{"sku_id":9,"count":2}]',
        b'[{"sku_id":9,"count":2}]',
        b'[{"sku_id":9,"count":1},{"sku_id":10,"count":1}]',
    ]


@pytest.mark.parametrize("write", ["clear", "remove"])
def test_who_deletes_lines_waits_for_the_cart_before_them(carts, additions, shared_database_url, write):
    """As additions do: who locked lines first could wait for a transaction that waits for it."""
    cart_id = uuid4()
    assert add(additions, (cart_id, 9, 1)) == [None]
    deletion = {"clear": lambda: carts.clear(cart_id), "remove": lambda: carts.remove(cart_id, 9)}[write]
    with ThreadPoolExecutor(1) as pool, probes.query(shared_database_url) as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT FROM carts WHERE id = %s FOR UPDATE", (str(cart_id),))
        deleting = pool.submit(lambda: block_on(deletion()))
        wait_until(lambda: is_waiting(cursor, "touch_cart"))
        assert not deleting.done()
        cursor.execute("COMMIT")
        deleting.result(5)
    assert block_on(carts.contents(cart_id)) == b"[]"


def test_a_sku_that_comes_after_the_carts_were_locked_leaves_no_line_without_a_cart(own_database):
    cart_id, sku_id = str(uuid4()), 2_000_000_000
    postgres = Postgres(own_database, 1, 2.0)
    block_on(postgres.run(Call(LOCK_CARTS, ([cart_id], [sku_id]))))
    with probes.query(own_database) as cursor:
        cursor.execute("INSERT INTO skus SELECT %s, style_id, size, quantity FROM skus LIMIT 1", (sku_id,))
        added = Call(ADD_LINES, ([cart_id], [sku_id], [1], [None], MOST_LINES, MOST_ITEMS))
        assert block_on(postgres.run(added)) == [(b"unknown-sku", False)]
        cursor.execute("SELECT count(*) FROM cart_lines WHERE cart_id = %s", (cart_id,))
        assert cursor.fetchone() == (0,)
    postgres.close()


def test_a_key_outlives_its_cart(carts, additions):
    cart_id = uuid4()
    assert add(additions, (cart_id, 9, 1, "key")) == [None]
    block_on(carts.clear(cart_id))
    assert add(additions, (cart_id, 9, 1, "key")) == [None]
    assert block_on(carts.contents(cart_id)) == b"[]"


def test_a_key_counts_for_24_hours(carts, additions, shared_database_url):
    """Whether it has been deleted by then or not, and whatever came of it."""
    cart_id = uuid4()
    for age, total in (("0", 1), ("23 hours 59 minutes", 1), ("24 hours 1 minute", 3), ("1 minute", 3)):
        _age_keys(shared_database_url, cart_id, age)
        for _ in range(2):
            assert add(additions, (cart_id, 9, (total + 1) // 2, "key")) == [None]
        assert block_on(carts.contents(cart_id)) == b'[{"sku_id":9,"count":%d}]' % total


def test_a_key_may_be_used_for_another_addition_after_24_hours(additions, shared_database_url):
    cart_id = uuid4()
    for sku_id, code in ((9, None), (5, "unknown-sku"), (37, None)):
        _age_keys(shared_database_url, cart_id, "24 hours 1 minute")
        asked = [Addition(cart_id, sku_id, 1, "key")]
        for is_replayed in (False, True):
            ((refusal, was_replayed),) = block_on(additions.add(asked))
            assert (refusal and refusal.code, was_replayed) == (code, is_replayed)


def _age_keys(database_url, cart_id, age):
    execute(
        database_url,
        ("UPDATE cart_keys SET added_at = now() - %s::interval WHERE cart_id = %s", (age, str(cart_id))),
    )


def test_without_a_database_nothing_is_promised(closed_port):
    additions = Additions(Postgres(f"postgresql://u:p@{closed_port}/d", 1, 0.5), MOST_LINES, MOST_ITEMS, Metrics())
    assert add(additions, (UUID(int=1), 9, 1), (UUID(int=2), 9, 1, "key")) == ["unavailable"] * 2


def test_what_was_made_is_said_so_though_the_rest_of_its_batch_is_not_available(carts, additions, monkeypatch):
    """The first transaction is committed; for a second one there is no database any more."""
    cart_id, run = uuid4(), additions._postgres.run
    calls = []

    async def once(*wanted):
        calls.append(wanted)
        if len(calls) > 1:
            raise PostgresUnavailable
        return await run(*wanted)

    wanted = [(cart_id, 9, 2147483600), (cart_id, 9, 99), (cart_id, 9, 40), (cart_id, 5, 1, "key"), (cart_id, 10, 1)]
    monkeypatch.setattr(additions._postgres, "run", once)
    assert add(additions, *wanted) == [None, "too-many-items", "unavailable", "unavailable", None]
    monkeypatch.undo()
    assert add(additions, (cart_id, 5, 1, "key")) == ["unknown-sku"]


def test_a_refusal_that_may_be_tried_again_is_not_remembered_before(additions):
    cart_id = uuid4()
    wanted = [(cart_id, 9, 2147483600), (cart_id, 9, 99, "a"), (cart_id, 9, 40, "b")]
    for _ in range(2):
        assert add(additions, *wanted[:1] * (_ == 0), *wanted[1:])[-2:] == ["too-many-items", None]
