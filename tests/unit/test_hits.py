import pytest

from service import hits
from service.metrics import Metrics, exposition


def counted(**outcomes):
    metrics = Metrics()
    for outcome, count in outcomes.items():
        metrics.documents.add(("styles", outcome), count)
    return hits.parse(exposition.text(metrics).decode())


def test_rates_are_per_kind_and_over_all():
    counts = counted(hit=60, stale=15, miss=20, bypass=5)
    counts.update({("card", "miss"): 100})
    lines = [line.split() for line in hits.table(counts).splitlines()]
    assert lines == [
        ["kind", "hit", "rate", "hit", "stale", "miss", "bypass"],
        ["card", "0.0%", "0", "0", "100", "0"],
        ["styles", "75.0%", "60", "15", "20", "5"],
        ["all", "37.5%", "60", "15", "120", "5"],
    ]


def test_before_the_first_request_there_is_no_rate():
    assert hits.table(hits.parse("")).splitlines()[-1].split() == ["all", "-", "0", "0", "0", "0"]


@pytest.mark.parametrize("address", ["127.0.0.1:1", "unix:/nowhere.sock"])
def test_an_instance_that_does_not_answer_is_named(address):
    assert hits.counted([address]) == ({}, [address])
