"""The model's predictions for 1, 2 and 4 instances, from the costs of 2, against what they use."""

from collections import defaultdict
from contextlib import ExitStack
from dataclasses import replace
from statistics import median

from deploy.capacity import costs, model
from deploy.capacity.fit import BATCHED, processor_us
from deploy.capacity.measure import batches_a_second, one_kind_at_a_time
from deploy.capacity.meter import Meter

COSTS = costs.read()
MIX = ("hit", "hit", "page", "hit", "miss", "hit", "addition")
TURNS = 3
SECONDS = 0.2
OF_CORES = 0.7, 1.7  # of what is used; one cost for each request, whatever its batch, is below it for four instances
OF_BATCHES = 0.25, 4  # of what was counted; 25 requests a look-up at any load are below it


def test_what_two_instances_cost_predicts_what_one_and_four_use(stacks):
    cores, batches = defaultdict(list), defaultdict(list)
    with ExitStack() as closing:
        meters = {count: closing.enter_context(Meter(stack, 100)) for count, stack in stacks.items()}
        for meter in meters.values():
            meter.warm(SECONDS)
        for _ in range(TURNS):  # what slows the machine for a while slows both
            found = measured(meters[2])
            for count, meter in meters.items():
                used = meter.use(MIX, SECONDS)
                requests = {kind: used.requests * MIX.count(kind) / len(MIX) for kind in costs.REQUESTS}
                predicted = model.processor_cores({**requests, **used.batches}, found)
                for tier in ("nginx", *BATCHED):
                    cores[count, tier].append(predicted[tier] / used.seconds[tier])
                rates = {kind: number / used.elapsed for kind, number in requests.items()}
                for of, rate in model.batches_per_second(rates, count, found).items():
                    batches[count, of].append(rate * used.elapsed / used.batches[of])
    assert not outside(OF_CORES, cores)
    assert not outside(OF_BATCHES, batches)


def measured(meter):
    used = one_kind_at_a_time(meter, SECONDS * 2)
    processor = {**COSTS.processor_us, **processor_us(used)}
    return replace(COSTS, processor_us=processor, batches_a_second=batches_a_second(used, 2))


def outside(least_and_most, ratios):
    least, most = least_and_most
    medians = {of: median(each) for of, each in ratios.items()}
    return {of: round(found, 2) for of, found in medians.items() if not least < found < most}
