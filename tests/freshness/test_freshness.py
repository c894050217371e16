"""The short form of ``make freshness``, and what its judgement is worth."""

import pytest

from tests.freshness.changes import ROADS, Change, Subject
from tests.freshness.measure import feed, freshness, private_service
from tests.freshness.reads import Read, lags, returned
from tests.freshness.replicated import replicated, served_by_replicas

SUBJECT = Subject(1, ROADS[0])


@pytest.fixture(scope="module")
def service():
    with private_service() as service:
        yield service


def test_a_change_reaches_the_readers_of_an_instance_within_50_ms_and_never_goes_back(service):
    found = freshness(service, seconds=3)
    assert found.changes == 60
    assert found.failed == found.returned == 0
    assert found.percentile(0.99) <= 0.05
    assert service.wrong_hits() == 0


def test_through_nginx_and_its_micro_cache_a_change_takes_less_than_two_seconds_more(service):
    found = freshness(service, 5, service.nginx.address)
    assert found.changes == 100
    assert found.failed == 0
    assert 0.5 < found.lags[-1] <= 2.05
    assert service.wrong_hits() == 0


def test_a_price_feed_costs_what_it_leaves_alone_no_miss_and_is_told_within_a_second(service):
    found = feed(service, seconds=3, rows_a_second=5000)  # half of the long form's: a slow machine has to keep up
    assert found.failed == 0
    assert found.hit_rate_before == found.hit_rate == 1
    assert found.oldest_seconds < 1
    assert found.rows_a_second > 4500
    assert service.wrong_hits() == 0


def test_a_catalogue_that_arrives_by_logical_replication_is_as_fresh_where_a_standby_is_read(service):
    with replicated(service) as (service, published):
        found = freshness(service, 2, published=published, reads_a_second=1000)
        assert found.changes == 40
        assert found.failed == found.returned == 0
        assert served_by_replicas(service) > found.changes
        assert found.percentile(0.9) <= 0.05  # so few: the last ones are the machine's
        assert service.wrong_hits() == 0


def test_a_lag_lasts_until_the_last_answer_that_did_not_show_the_change():
    reads = {SUBJECT: [Read(1.0, 1.1, 4), Read(1.9, 2.03, 4), Read(2.0, 2.01, 5), Read(2.5, 2.6, 5)]}
    assert lags([Change(SUBJECT, 5, 2.0, 2.01)], reads) == [pytest.approx(0.03)]
    assert lags([Change(SUBJECT, 6, 3.0, 3.01)], reads) == [float("inf")]


def test_an_older_version_counts_as_returned_only_if_it_was_asked_for_after_a_newer_one_had_come():
    newer, beside, after = Read(1.0, 2.0, 5), Read(1.9, 2.2, 4), Read(2.1, 2.2, 4)
    assert returned([newer, beside]) == []
    assert returned([newer, beside, after]) == [(after, 5)]
