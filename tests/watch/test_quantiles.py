import pytest

from service.watch.quantiles import quantile

BOUNDS = (0.1, 0.2, 0.4)


@pytest.mark.parametrize(
    ("share", "counts", "expected"),
    [
        (0.5, [0, 10, 0, 0], 0.15),  # in the middle of the only bucket
        (0.5, [10, 0, 0, 0], 0.05),  # the first one begins at 0
        (0.5, [5, 5, 0, 0], 0.1),  # at a bound
        (0.9, [5, 0, 5, 0], 0.36),  # an empty bucket in between
        (0.99, [1, 0, 0, 9], 0.4),  # beyond the last bound
        (1.0, [0, 10, 0, 0], 0.2),
    ],
)
def test_within_a_bucket_observations_are_spread_evenly(share, counts, expected):
    assert quantile(share, BOUNDS, counts) == pytest.approx(expected)


def test_of_nothing_there_is_none():
    assert quantile(0.5, BOUNDS, [0, 0, 0, 0]) is None
