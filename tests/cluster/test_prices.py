import pytest

from tests.chaos.demands import Observed
from tests.chaos.load import Answer, Said
from tests.cluster.prices import older_reads


def read(at: float, price: int) -> Answer:
    return Answer(1, at, at + 0.01, Said(200, "hit", "", price))


def feed(*moments: float) -> list[tuple[int, int, float]]:
    """Prices of another product: it is only that they could be committed."""
    return [(2, number, at) for number, at in enumerate(moments)]


STEADY = feed(*(number / 10 for number in range(100)))
PAUSED = feed(1.0, 5.0)


@pytest.mark.parametrize(
    ("answers", "prices", "count"),
    [
        ([read(0.5, 7)], [(1, 8, 0.0), *STEADY], 0),
        ([read(3.1, 7)], [(1, 8, 0.0), *STEADY], 1),
        ([read(3.1, 8), read(4.0, 9)], [(1, 8, 0.0), *STEADY], 0),
        ([read(1.0, 9), read(2.0, 8)], STEADY, 0),
        ([read(1.0, 9), read(4.1, 8)], STEADY, 1),
        ([read(4.0, 7), read(7.8, 7)], [(1, 8, 0.9), *PAUSED], 0),
        ([read(8.0, 7)], [(1, 8, 0.9), *PAUSED], 1),
    ],
    ids=[
        "soon",
        "late",
        "newer",
        "soon after a read",
        "late after a read",
        "without a primary",
        "with a primary again",
    ],
)
def test_which_reads_are_too_old(answers, prices, count):
    assert len(older_reads(Observed(answers, 0, 0, 0, sorted(prices, key=lambda price: price[2])))) == count
