from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.cart.carts import Addition, Carts
from service.errors import PostgresUnavailable
from service.postgres import Postgres

MOST_LINES = 3
SKUS = (9, 10, 37, 100, 911)


@pytest.fixture(scope="module")
def carts(shared_database_url):
    postgres = Postgres(shared_database_url, 2, 2.0)
    yield Carts(postgres, MOST_LINES)
    postgres.close()


def add(carts, *additions):
    return [refusal and refusal.code for refusal in carts.add([Addition(*one) for one in additions])]


def test_no_addition_is_none(carts):
    assert carts.add([]) == []


def test_each_addition_has_its_own_answer(carts):
    one, other = uuid4(), uuid4()
    asked = [(one, 9, 2), (other, 9, 1), (one, 5, 1), (one, 9, 3), (other, 5, 1)]
    last = [(one, 37, 1), (one, 10, 1), (one, 100, 1)]
    answers = [None, None, "unknown-sku", None, "unknown-sku", None, None, "too-many-lines"]
    assert add(carts, *asked, *last) == answers
    assert carts.contents(one) == b'[{"sku_id":9,"count":5},{"sku_id":10,"count":1},{"sku_id":37,"count":1}]'
    assert carts.contents(other) == b'[{"sku_id":9,"count":1}]'


def test_the_first_to_ask_get_the_lines_that_are_left(carts):
    cart_id = uuid4()
    assert add(carts, (cart_id, 100, 1)) == [None]
    asked = [(cart_id, sku_id, 1) for sku_id in (911, 37, 9, 911, 100, 9)]
    assert add(carts, *asked) == [None, None, "too-many-lines", None, None, "too-many-lines"]
    assert carts.contents(cart_id) == b'[{"sku_id":37,"count":1},{"sku_id":100,"count":2},{"sku_id":911,"count":2}]'


def test_what_is_too_much_together_is_refused_from_there_on(carts):
    cart_id = uuid4()
    asked = [(cart_id, 9, 2147483600), (cart_id, 9, 47), (cart_id, 9, 1), (cart_id, 10, 1)]
    assert add(carts, *asked) == [None, None, "too-many-items", None]
    assert carts.contents(cart_id) == b'[{"sku_id":9,"count":2147483647},{"sku_id":10,"count":1}]'


ADDITIONS = st.lists(
    st.tuples(st.sampled_from((1, 2)), st.sampled_from((*SKUS, 5)), st.integers(1, 99)), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None, database=None)
@given(ADDITIONS, st.lists(st.sampled_from(SKUS), max_size=MOST_LINES))
def test_a_batch_comes_to_the_same_as_its_additions_one_by_one(carts, additions, before):
    ids = {(way, n): uuid4() for way in ("batch", "single") for n in (1, 2)}
    for cart_id in ids.values():
        add(carts, *((cart_id, sku_id, 1) for sku_id in before))
    together = add(carts, *((ids["batch", n], sku_id, count) for n, sku_id, count in additions))
    assert together == [add(carts, (ids["single", n], sku_id, count))[0] for n, sku_id, count in additions]
    for n in (1, 2):
        assert carts.contents(ids["batch", n]) == carts.contents(ids["single", n])


def test_without_a_database_nothing_is_promised(closed_port):
    carts = Carts(Postgres(f"postgresql://u:p@{closed_port}/d", 1, 0.5), MOST_LINES)
    with pytest.raises(PostgresUnavailable):
        add(carts, (UUID(int=1), 9, 1))
