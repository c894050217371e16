import json
import re
import shlex
from dataclasses import replace

import pytest

from deploy.capacity import costs, model
from deploy.capacity.__main__ import main
from deploy.capacity.bottlenecks import bottlenecks
from deploy.local.instances import CHECKOUT

COSTS = costs.read()
MEDIUM = model.HOSTS["medium"]


def planned(demand):
    return model.plan(demand, COSTS, MEDIUM)


def test_what_a_cdn_answers_does_not_come_here_and_additions_do():
    rates = model.requests_per_second(model.Demand(1000, 10, 0.2, 0.1, 0.5, 0.8, 0))
    assert rates == pytest.approx({"hit": 70, "page": 20, "miss": 10, "addition": 500})


def test_every_changed_product_is_read_anew_but_no_more_than_is_read():
    assert model.requests_per_second(model.Demand(1000, 10, 0, 0, 0, 0, 20))["miss"] == 100
    assert model.requests_per_second(model.Demand(1000, 10, 0.2, 0, 0, 0, 1e6)) == pytest.approx(
        {"hit": 0, "page": 200, "miss": 800, "addition": 0}
    )


def test_cores_are_rates_times_costs():
    rates = {"hit": 1000.0, "page": 0.0, "miss": 0.0, "addition": 0.0}
    assert model.processor_cores(rates, 0, COSTS)["nginx"] == pytest.approx(COSTS.processor_us["hit"]["nginx"] / 1e3)
    both = model.processor_cores(rates, 500, COSTS)["redis"] - model.processor_cores(rates, 0, COSTS)["redis"]
    assert both == pytest.approx(COSTS.processor_us["change"]["redis"] / 2e3)


@pytest.mark.parametrize(("cores", "memory_gb", "count"), [(0.1, 1, 1), (1.1, 1, 3), (0.1, 33, 3)])
def test_a_shard_has_one_core_and_so_much_memory(cores, memory_gb, count):
    assert model.shards(cores, memory_gb, 0.5) == count


def test_a_look_up_is_one_call_on_one_shard_and_one_for_each_key_on_very_many():
    assert model.calls_a_look_up(1) == 1
    assert model.calls_a_look_up(10**6) == pytest.approx(model.REQUESTS_A_LOOK_UP, rel=1e-3)
    demand = model.Demand(1e6, 10**6)
    assert set(model.cores_of_calls(demand, 1).values()) == {0}
    assert model.cores_of_calls(demand, 20)["redis"] < model.cores_of_calls(demand, 40)["redis"]


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
        (model.Demand(1e6, 10**8, addition_share=0, changes_per_second=0), ["cluster of", "connections"]),
        (model.Demand(1e4, 10**6), []),
    ],
)
def test_what_gives_way_next_is_said(demand, named):
    said = list(bottlenecks(demand, planned(demand), COSTS, MEDIUM))
    assert len(said) == len(named)
    assert all(name in one for name, one in zip(named, said, strict=True))


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
