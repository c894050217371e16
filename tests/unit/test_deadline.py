import math
import time

from service import deadline


def test_what_is_left_is_never_more_than_what_is_asked_for_nor_less_than_nothing():
    assert deadline.left(7) == 7
    with deadline.within(5):
        assert 4 < deadline.left(7) <= 5
        assert deadline.left(1) == 1
        with deadline.within(-1):
            assert deadline.left(7) == 0
        assert deadline.left(math.inf) <= 5
    assert deadline.left(7) == 7
    assert time.monotonic() + deadline.left(math.inf) == math.inf
