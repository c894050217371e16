"""The short form of ``make ledger``, and what its judgement is worth."""

import pytest

from tests.ledger.expected import MOST_ITEMS, ExpectedCart, Outcome
from tests.ledger.faults import FAULTS
from tests.ledger.run import Run, private_stack
from tests.ledger.writers import first_of

ACKNOWLEDGED, REFUSED, UNKNOWN = Outcome


def test_every_answer_about_carts_is_kept_under_faults():
    with private_stack() as stack:
        report = Run(stack, operations=4000, rounds=1).report(seconds=60)
    assert report.held, first_of(report.complaints)
    assert set(report.faults) == set(FAULTS)
    assert report.counts["unknown"] > 0
    assert report.counts["attempts repeated with a key"] > 0


def kinds(cart, found):
    return [each.kind for each in cart.differences(found, MOST_ITEMS)]


@pytest.fixture
def cart():
    return ExpectedCart("token")


def test_an_acknowledged_addition_is_there_once(cart):
    cart.add(1, 2, ACKNOWLEDGED)
    cart.add(1, 3, ACKNOWLEDGED)
    assert kinds(cart, {1: 5}) == []
    assert kinds(cart, {1: 2}) == kinds(cart, {}) == ["lost"]
    assert kinds(cart, {1: 7}) == ["doubled"]


def test_a_refused_addition_is_not_there(cart):
    cart.add(1, 2, REFUSED)
    assert kinds(cart, {}) == []
    assert kinds(cart, {1: 2}) == kinds(cart, {7: 1}) == ["doubled"]


def test_an_unanswered_addition_is_there_once_or_not_at_all(cart):
    cart.add(1, 2, ACKNOWLEDGED)
    cart.add(1, 3, UNKNOWN)
    assert kinds(cart, {1: 2}) == kinds(cart, {1: 5}) == []
    assert kinds(cart, {1: 3}) == ["lost"]
    assert kinds(cart, {1: 8}) == ["doubled"]


def test_a_line_is_as_it_was_set_last_or_as_an_unanswered_request_set_it_later(cart):
    cart.set(1, 9, UNKNOWN)
    cart.set(1, 4, ACKNOWLEDGED)
    cart.set(1, 6, UNKNOWN)
    assert kinds(cart, {1: 4}) == kinds(cart, {1: 6}) == []
    assert kinds(cart, {1: 9}) == ["doubled"]
    assert kinds(cart, {}) == ["lost"]


def test_a_deleted_cart_is_empty(cart):
    cart.add(1, 2, ACKNOWLEDGED)
    cart.clear(ACKNOWLEDGED)
    assert kinds(cart, {}) == []
    assert kinds(cart, {1: 2}) == ["doubled"]


def test_no_line_holds_more_than_it_can(cart):
    cart.add(1, MOST_ITEMS + 1, ACKNOWLEDGED)
    assert kinds(cart, {1: MOST_ITEMS + 1}) == ["over the limit"]


@pytest.mark.parametrize(
    ("outcome", "ours", "theirs"),
    [(ACKNOWLEDGED, [5], [0]), (REFUSED, [2], [3]), (UNKNOWN, [2, 5], [0, 3])],
)
def test_a_merged_cart_has_moved_once_or_not_at_all(cart, outcome, ours, theirs):
    other = ExpectedCart("another token")
    cart.add(1, 2, ACKNOWLEDGED)
    other.add(1, 3, ACKNOWLEDGED)
    other.add(2, MOST_ITEMS, ACKNOWLEDGED)
    for _ in range(2 if outcome is ACKNOWLEDGED else 1):  # repeated, it moves nothing
        cart.take_from(other, outcome)
    held = MOST_ITEMS * (outcome is ACKNOWLEDGED)
    for each, counts in ((cart, ours), (other, theirs)):
        kept = held if each is cart else MOST_ITEMS - held
        assert [count for count in range(12) if kinds(each, {1: count, 2: kept}) == []] == counts
