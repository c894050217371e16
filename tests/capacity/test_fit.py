import pytest

from deploy.capacity.costs import BATCHES, CHANGE, TIERS
from deploy.capacity.fit import processor_us
from deploy.capacity.measure import batches_a_second
from deploy.capacity.meter import Used

OF_REQUEST = {"hit": 40.0, "page": 100.0, "miss": 70.0, "addition": 80.0}
OF_BATCH = {"look_up": 200.0, "load": 600.0, "transaction": 500.0}
AT_ONCE = {  # requests, and their batches, as ever fewer are under way at once
    "hit": [(1900, {"look_up": 100}), (300, {"look_up": 100}), (100, {"look_up": 100})],
    "page": [(1000, {"look_up": 100}), (50, {"look_up": 100})],
    "miss": [
        (1000, {"look_up": 50, "load": 60}),
        (300, {"look_up": 90, "load": 100}),
        (80, {"look_up": 80, "load": 80}),
    ],
    "addition": [(500, {"transaction": 50}), (50, {"transaction": 50})],
}


def used(requests, batches, us):
    counted = dict.fromkeys(BATCHES, 0) | batches
    return Used(requests, 2.0, dict.fromkeys(TIERS, us / 1e6), counted, 0, 0)


def made(kind):
    return [
        used(
            requests, batches, requests * OF_REQUEST[kind] + sum(OF_BATCH[of] * count for of, count in batches.items())
        )
        for requests, batches in AT_ONCE[kind]
    ]


def test_what_requests_and_their_batches_cost_is_found_again():
    found = processor_us({**{kind: made(kind) for kind in AT_ONCE}, CHANGE: [used(100, {}, 3000)]})
    of_instance = {of: by_tier["instance"] for of, by_tier in found.items()}
    assert of_instance == pytest.approx({**OF_REQUEST, **OF_BATCH, CHANGE: 30.0})


def test_what_has_no_batches_is_a_mean_and_no_cost_is_below_0():
    cheaper_alone = [used(100, {"look_up": 10}, 10_000), used(10, {"look_up": 10}, 10)]
    found = processor_us({**{kind: made(kind) for kind in AT_ONCE}, "hit": cheaper_alone})
    assert found["look_up"]["redis"] == found["look_up"]["nginx"] == 0
    assert found["hit"]["nginx"] == pytest.approx(10_010 / 110, abs=0.01)


def test_batches_a_second_are_of_the_kind_that_has_most_of_them_and_of_one_instance():
    assert batches_a_second({kind: made(kind) for kind in AT_ONCE}, 2)["look_up"] == 100 / 2.0 / 2


def test_what_passes_by_the_clock_is_not_of_requests():
    busy, idle = used(10, {}, 500.0), used(0, {}, 100.0)._replace(elapsed=0.5)
    assert busy.less(idle).seconds["redis"] == pytest.approx((500 - 4 * 100) / 1e6)
