import json
import re
import shlex
from dataclasses import replace

import pytest

from deploy.capacity import costs, model
from deploy.capacity.__main__ import main
from deploy.capacity.bottlenecks import bottlenecks, next_bottlenecks
from deploy.capacity.plan import HOSTS, plan
from deploy.capacity.sensitivity import sensitivity
from deploy.local.instances import CHECKOUT

COSTS = costs.read()
MEDIUM = HOSTS["medium"]


def planned(demand):
    return plan(demand, COSTS, MEDIUM)


def test_what_a_cdn_answers_does_not_come_here_and_additions_do():
    rates = model.requests_per_second(model.Demand(1000, 10, 0.2, 0.1, 0.5, 0.8, 0))
    assert rates == pytest.approx({"hit": 70, "page": 20, "miss": 10, "addition": 500})


def test_every_changed_product_is_read_anew_but_no_more_than_is_read():
    assert model.requests_per_second(model.Demand(1000, 10, 0, 0, 0, 0, 20))["miss"] == 100
    assert model.requests_per_second(model.Demand(1000, 10, 0.2, 0, 0, 0, 1e6)) == pytest.approx(
        {"hit": 0, "page": 200, "miss": 800, "addition": 0}
    )


def test_cores_are_rates_times_costs():
    assert model.processor_cores({"hit": 1000.0}, COSTS)["nginx"] == pytest.approx(
        COSTS.processor_us["hit"]["nginx"] / 1e3
    )
    both = model.processor_cores({"look_up": 100.0, costs.CHANGE: 500.0}, COSTS)["redis"]
    assert both == pytest.approx(
        COSTS.processor_us["look_up"]["redis"] / 1e4 + COSTS.processor_us["change"]["redis"] / 2e3
    )


def test_few_requests_are_alone_and_many_share_what_an_instance_can_do_one_after_another():
    few = {"hit": 3.0, "page": 2.0, "miss": 1.0, "addition": 4.0}
    assert model.batches_per_second(few, 1, COSTS) == {"look_up": 8, "load": 1, "transaction": 4}
    many = dict.fromkeys(costs.REQUESTS, 1e6)
    assert model.batches_per_second(many, 3, COSTS) == {of: 3 * COSTS.batches_a_second[of] for of in costs.BATCHES}


@pytest.mark.parametrize(("cores", "memory_gb", "count"), [(0.1, 1, 1), (1.1, 1, 3), (0.1, 33, 3)])
def test_a_shard_has_one_core_and_so_much_memory(cores, memory_gb, count):
    assert model.shards(cores, memory_gb, 0.5) == count


def test_a_look_up_is_one_call_on_one_shard_and_one_for_each_key_on_very_many():
    assert model.calls_a_look_up(1, 25) == 1
    assert model.calls_a_look_up(10**6, 25) == pytest.approx(25, rel=1e-3)
    assert model.calls_a_look_up(2, 2) == 1.5
    assert set(model.cores_of_calls(model.Demand(1e6, 10**6), 1e4, 1, COSTS).values()) == {0}


def test_a_call_to_a_further_shard_costs_what_a_look_up_does():
    demand = model.Demand(1000, 10, 0, 0, 0, changes_per_second=0)
    cores = model.cores_of_calls(demand, 500, 2, COSTS)
    for tier in ("instance", "redis"):
        assert cores[tier] == pytest.approx(500 * 0.5 * COSTS.processor_us["look_up"][tier] / 1e6)
    changed = model.cores_of_calls(replace(demand, changes_per_second=1000), 500, 3, COSTS)
    assert changed["invalidator"] == pytest.approx(200 * 2 * COSTS.processor_us["look_up"]["instance"] / 1e6)


def test_more_load_and_more_products_never_need_less():
    for more in ({"requests_per_second": 1e6}, {"products": 10**8}, {"changes_per_second": 1e4}):
        small, large = planned(model.Demand(1e4, 10**6)), planned(replace(model.Demand(1e4, 10**6), **more))
        assert all(large[tier].hosts >= small[tier].hosts for tier in costs.TIERS)
        assert sum(need.cores + need.memory_gb for need in large.values()) > sum(
            need.cores + need.memory_gb for need in small.values()
        )


@pytest.mark.parametrize(
    ("demand", "named"),
    [
        (
            model.Demand(1e8, 10**9, changes_per_second=1e4),
            ["links", "one key", "Redis", "writes", "misses", "connections", "invalidator"],
        ),
        (
            model.Demand(1e6, 10**8, addition_share=0, changes_per_second=0),
            ["one key", "cluster of", "connections"],
        ),
        (model.Demand(1e4, 10**6), []),
    ],
)
def test_what_gives_way_next_is_said(demand, named):
    said = list(bottlenecks(demand, planned(demand), COSTS, MEDIUM))
    assert len(said) == len(named)
    assert all(name in one for name, one in zip(named, said, strict=True))


def test_where_nothing_gives_way_yet_the_load_at_which_something_does_is_named():
    small = model.Demand(1e3, 10**6, changes_per_second=0)
    (said,) = next_bottlenecks(small, COSTS, MEDIUM)
    times = int(re.match(r"with (\d+) times the requests: ", said)[1])
    found, before = (replace(small, requests_per_second=1e3 * each) for each in (times, times / 2.5))
    assert said.endswith(next(bottlenecks(found, planned(found), COSTS, MEDIUM)))
    assert not list(bottlenecks(before, planned(before), COSTS, MEDIUM))


def test_what_nobody_reads_or_writes_never_gives_way():
    unread = model.Demand(1e12, 1, addition_share=0, cdn_share=1, changes_per_second=0)
    assert list(next_bottlenecks(unread, COSTS, MEDIUM)) == []


def test_twice_as_much_of_each_assumption_is_a_plan_of_its_own():
    demand = model.Demand(1e4, 10**6)
    rows = {row[:26].strip(): row[26:].split() for row in sensitivity(demand, COSTS, MEDIUM)}
    twice = planned(replace(demand, page_share=0.4))
    assert rows["pages"][:-1] == [f"{twice[tier].cores:,.1f}" for tier in costs.TIERS]
    assert rows["(as planned)"] != rows["changes"]
    assert rows["bytes of a product"] == rows["products"]


def test_primaries_follow_from_writes_and_replicas_from_misses():
    few = planned(model.Demand(1e4, 10**6))["postgres"].processes
    writes = planned(model.Demand(1e6, 10**6, addition_share=1, changes_per_second=0))["postgres"].processes
    misses = planned(model.Demand(1e6, 10**6, 0, 1, addition_share=0, changes_per_second=0))["postgres"].processes
    assert few == 2
    assert writes > 2
    assert misses > 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--rps 0 --products 1", "above 0"),
        ("--rps nan --products 1", "above 0"),
        ("--rps 1 --products 3e9", "2,147,483,647"),
        ("--rps 1 --products 0", "from 1"),
        ("--rps 1 --products 1 --cdn 1.1", "cdn_share must be from 0 to 1"),
        ("--rps 1 --products 1 --pages 0.6 --misses 0.6", "together"),
        ("--rps 1 --products 1 --load 0", "load must be above 0"),
        ("--rps 1 --products 1 --changes -1", "changes"),
        ("--rps 1 --products 1 --costs /nowhere", "/nowhere is no file of costs"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(options, message, capsys):
    assert main(options.split()) == 1
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_file_that_lacks_a_cost_is_refused_by_name(tmp_path):
    found = json.loads(COSTS.text())
    del found["processor_us"]["miss"]["redis"]
    (tmp_path / "costs.json").write_text(json.dumps(found))
    with pytest.raises(costs.CapacityError, match="of miss lacks redis"):
        costs.read(tmp_path / "costs.json")


def test_the_document_has_what_the_command_prints(capsys):
    text = (CHECKOUT / "docs" / "scale.md").read_text()
    shown = re.findall(r"```\n\$ python -m deploy\.capacity (.*)\n((?s:.*?))```", text)
    assert len(shown) >= 3
    for options, output in shown:
        assert main(shlex.split(options)) == 0
        assert capsys.readouterr().out == output
