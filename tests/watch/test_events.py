from dataclasses import replace
from itertools import pairwise

import pytest

from service.catalogue.database import OutboxState
from service.watch.events import Event, Known, Seen, changes, deployments, last_deployed
from service.watch.fleet import InstanceState
from service.watch.stores import ONE_SERVER, RedisState, ServerState
from tests.watch.reports import NOW, OPENINGS, report

A, B = "127.0.0.1:1", "127.0.0.1:2"


def redis(**servers):
    """Each by its process and incarnation."""
    states = {name: one and ServerState({"run_id": one[0]}, one[1]) for name, one in servers.items()}
    return RedisState(states, 0)


REDIS = redis(Redis=("r1", 11))
POSTGRES = OutboxState(0, 0.0, 0, 5, 0)


def up(incarnation="a", worker=1, version="1", openings=0, breaker_open=0):
    said = report(incarnation=incarnation, worker=worker, version=version, gauges={"breaker_open": breaker_open})
    return InstanceState(True, NOW, said, NOW, {OPENINGS: openings})


def seen(redis=REDIS, postgres=POSTGRES, nginx="counted", **instances):
    states = {A: up(), B: up("b"), **{{"a": A, "b": B}[name]: state for name, state in instances.items()}}
    return Seen(NOW, states, redis, postgres, nginx)


def happened(*looks):
    """Events of consecutive looks, as kind and text."""
    known, found = Known().after(looks[0]), []
    for before, now in pairwise(looks):
        found += [(event.kind, event.text, event.source) for event in changes(before, known, now)]
        known = known.after(now)
    return found


def silent(state):
    return replace(state, is_up=False)


def test_where_nothing_changes_nothing_happens():
    assert happened(seen(), seen(), seen()) == []


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (up("another"), "restarted"),
        (up("another", worker=2), "restarted"),
        (up(worker=2), "its worker was replaced"),
    ],
)
def test_what_happens_to_an_instance(now, text):
    assert happened(seen(), seen(a=now)) == [("instance", text, A)]


def test_an_instance_that_was_silent_responds_again_or_has_restarted():
    was = seen(a=silent(up()))
    gone = ("instance", "does not respond", A)
    assert happened(seen(), was, was, was, seen()) == [gone, ("instance", "responds again", A)]
    assert happened(seen(), was, was, seen(a=up("another"))) == [gone, ("instance", "restarted", A)]


def test_who_is_late_once_is_not_gone():
    assert happened(seen(), seen(a=silent(up())), seen(), seen(redis=None), seen(), seen(postgres=None), seen()) == []


def test_a_deployment_is_one_event_however_many_instances_it_reaches():
    rolling = seen(a=up("c", version="2"))
    whole = seen(a=up("c", version="2"), b=up("d", version="2"))
    assert [event for event in happened(seen(), rolling, whole) if event[0] == "deploy"] == [("deploy", "version 2", A)]
    assert [kind for kind, *_ in happened(seen(), whole)].count("deploy") == 1


def test_a_version_that_comes_back_was_deployed_again():
    two = {"a": up("c", version="2"), "b": up("d", version="2")}
    one = {"a": up("e"), "b": up("f")}
    texts = [text for kind, text, _ in happened(seen(), seen(**two), seen(**one)) if kind == "deploy"]
    assert texts == ["version 2", "version 1"]


def test_what_was_deployed_before_this_process_began_is_no_news():
    first = [Event(NOW, "deploy", "version 0", A), Event(NOW, "deploy", "version 1", A), Event(NOW, "redis", "x", "y")]
    assert list(deployments(Known(versions=last_deployed(first)), seen())) == []
    assert [event.text for event in deployments(Known(versions=last_deployed(first[:1])), seen())] == ["version 1"]
    assert [event.text for event in deployments(Known(versions=last_deployed([])), seen())] == ["version 1"]
    assert list(deployments(Known(), seen())) == []


@pytest.mark.parametrize(
    ("looks", "texts"),
    [
        ([up(), up(openings=1, breaker_open=1), up(openings=1)], ["opened", "closed"]),
        ([up(), up(openings=1)], ["opened", "closed"]),  # between two looks
        ([up(openings=3), up(openings=4, breaker_open=1)], ["opened"]),
        ([up(openings=3), up("another", openings=1, breaker_open=1)], ["opened"]),  # it counts from 0 again
        ([up(openings=3), up("another")], []),
    ],
)
def test_a_breaker_opens_and_closes(looks, texts):
    found = happened(*(seen(a=look) for look in looks))
    assert [text.rpartition(" ")[2] for kind, text, _ in found if kind == "breaker"] == texts


def test_redis_goes_and_comes_back():
    found = happened(seen(), seen(redis=None), seen(redis=None), seen(redis=None), seen())
    assert found == [("redis", "does not respond", "Redis"), ("redis", "responds again", "Redis")]


def test_redis_is_emptied_once():
    flushed, filled = redis(Redis=("r1", 0)), redis(Redis=("r1", 12))
    found = happened(seen(), seen(redis=flushed), seen(redis=filled), seen(redis=filled))
    assert [text.partition(",")[0] for _, text, _ in found] == ["emptied"]


def test_a_restart_of_redis_is_not_another_loss_of_its_data():
    empty, filled = redis(Redis=("r2", 0)), redis(Redis=("r2", 12))
    found = happened(seen(), seen(redis=empty), seen(redis=filled))
    assert [text.partition(":")[0] for _, text, _ in found] == ["another server process"]
    assert len(happened(seen(), seen(redis=None), seen(redis=filled))) == 1


def test_a_master_of_a_cluster_goes_and_comes_back_by_its_name():
    whole, without = redis(x=("r1", 1), y=("r2", 2)), redis(x=("r1", 1), y=None)
    found = happened(*(seen(redis=each) for each in (whole, without, without, without, whole)))
    assert found == [("redis", "does not respond", "y"), ("redis", "responds again", "y")]
    restarted = redis(x=("r1", 1), y=("r3", 2))
    found = happened(*(seen(redis=each) for each in (whole, without, restarted)))
    assert found == [("redis", "another server process: restarted or failed over", "y")]
    emptied = redis(x=("r1", 1), y=("r2", 5))
    assert [source for *_, source in happened(seen(redis=whole), seen(redis=emptied))] == ["y"]


def test_a_failover_in_a_cluster_is_told_from_a_master_that_responds_again():
    whole, without = redis(x=("r1", 1), y=("r2", 2)), redis(x=("r1", 1), y=None)
    promoted = redis(x=("r1", 1), z=("r4", 4))
    found = happened(*(seen(redis=each) for each in (whole, without, without, promoted, promoted)))
    assert found == [
        ("redis", "does not respond", "y"),
        ("redis", "a master now", "z"),
        ("redis", "no master any more", "y"),
    ]


def test_a_cluster_of_which_nothing_answers_is_down_as_one_server_is():
    whole = redis(x=("r1", 1), y=("r2", 2))
    found = happened(*(seen(redis=each) for each in (whole, None, None, whole)))
    assert found == [("redis", "does not respond", ONE_SERVER), ("redis", "responds again", ONE_SERVER)]


def test_a_load_of_the_catalogue_is_seen_also_after_an_outage():
    loaded = POSTGRES._replace(epoch=6)
    assert [kind for kind, *_ in happened(seen(), seen(postgres=loaded), seen(postgres=loaded))] == ["catalogue"]
    kinds = [kind for kind, *_ in happened(seen(), *[seen(postgres=None)] * 2, seen(postgres=loaded))]
    assert sorted(kinds) == ["catalogue", "postgres", "postgres"]


def test_the_log_of_nginx_goes_and_comes_back():
    assert [kind for kind, *_ in happened(seen(), seen(nginx="missing"), seen())] == ["nginx", "nginx"]
