"""What requests cost on a machine. ``python -m deploy.capacity.measure`` writes such a file of yours."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

MEASURED = Path(__file__).with_name("costs.json")

TIERS = ("nginx", "instance", "redis", "postgres", "invalidator")
REQUESTS = ("hit", "page", "miss", "addition")
BATCHES = ("look_up", "load", "transaction")
"""What requests that are ready together share: a look-up in Redis, a load of misses, a transaction of additions."""
CHANGE = "change"
"""Of one product, from the statement to the tombstones in Redis."""


class CapacityError(ValueError):
    """An option or a file of costs cannot be used; the message names it."""


@dataclass(frozen=True)
class Costs:
    """For one of ``REQUESTS`` without its batches, one of ``BATCHES``, or one ``CHANGE``.

    ``processor_us`` by tier; ``batches_a_second`` of a busy instance; ``wire_bytes`` between client and nginx, request
    and response with their headers; ``redis_bytes`` between instances and Redis. The rest is in bytes for each product,
    and in MB for an instance.
    """

    machine: str
    date: str
    processor_us: Mapping[str, Mapping[str, float]]
    batches_a_second: Mapping[str, float]
    wire_bytes: Mapping[str, float]
    redis_bytes: Mapping[str, float]
    redis_bytes_a_product: float
    postgres_bytes_a_product: float
    instance_mb: float

    def __post_init__(self) -> None:
        of_all = {"processor_us": {*REQUESTS, *BATCHES, CHANGE}, "batches_a_second": {*BATCHES}}
        for name in ("processor_us", "batches_a_second", "wire_bytes", "redis_bytes"):
            if missing := of_all.get(name, {*REQUESTS}) - getattr(self, name).keys():
                raise CapacityError(f"{name} lacks {', '.join(sorted(missing))}")
        for of, by_tier in self.processor_us.items():
            if missing := set(TIERS) - by_tier.keys():
                raise CapacityError(f"processor_us of {of} lacks {', '.join(sorted(missing))}")

    def text(self) -> str:
        """As a file of costs."""
        return json.dumps(asdict(self), indent=1) + "\n"


def read(path: Path = MEASURED) -> Costs:
    """Read a file of costs. Raises CapacityError if it is none."""
    try:
        return Costs(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CapacityError(f"{path} is no file of costs: {error}") from None
