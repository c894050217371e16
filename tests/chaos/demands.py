"""What is demanded of the answers around a fault. A demand that is not met says so in words, else it says nothing."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from tests.chaos.load import Answer


class Observed(NamedTuple):
    """What was read around a fault. It began and ended at times of ``time.monotonic``.

    ``back_seconds`` is how long after its end readers and /readyz of every instance were as before; None for never.
    ``prices`` are those of changes: product, price, and from when on no lower one may be read. ``wrong_hits`` are those
    that the instances themselves found; see CACHE_SHADOW_PERCENT.
    """

    answers: Sequence[Answer]
    began: float
    ended: float
    back_seconds: float | None
    prices: Sequence[tuple[int, int, float]] = ()
    wrong_hits: int = 0

    @property
    def errors(self) -> int:
        """Reads that were not answered with the product."""
        return sum(each.said.status != 200 for each in self.answers)

    @property
    def worst_seconds(self) -> float:
        """The longest that a reader waited."""
        return max((each.seconds for each in self.answers), default=0.0)

    def during(self) -> Sequence[Answer]:
        """What was asked while the fault lasted."""
        return [each for each in self.answers if self.began <= each.sent < self.ended]


Demand = Callable[[Observed], str]


def no_hit_was_wrong(observed: Observed) -> str:
    """The instances looked behind a share of their hits."""
    return f"{observed.wrong_hits} hits were wrong" if observed.wrong_hits else ""


def every_read_is_answered(observed: Observed) -> str:
    """All 200, hot and cold."""
    failed = [each for each in observed.answers if each.said.status != 200]
    return f"{len(failed)} reads failed, the first was {failed[0]}" if failed else ""


def every_read_is_answered_or_refused(observed: Observed) -> str:
    """Whoever gets no product is told when to come again."""
    for each in observed.answers:
        if each.said.status != 200 and not (each.said.status == 503 and each.said.retry_after == "1"):
            return f"neither an answer nor an orderly refusal: {each}"
    return ""


def hits_are_answered(observed: Observed) -> str:
    """Hot products are all answered; cold ones are, or whoever asks is told when to come again."""
    failed = [each for each in observed.answers if each.said.status != 200 and not each.cold]
    if failed:
        return f"{len(failed)} hits failed, the first was {failed[0]}"
    return every_read_is_answered_or_refused(observed)


def hits_come_from_the_cache(observed: Observed) -> str:
    """While the fault lasts, hot products are answered by what the cache has of them."""
    others = [each for each in observed.during() if not each.cold and each.said.outcome not in ("hit", "stale")]
    return f"{len(others)} hits came from elsewhere, the first was {others[0]}" if others else ""


def hits_within(seconds: float) -> Demand:
    """No reader of a hot product waited longer."""

    def demand(observed: Observed) -> str:
        worst = max(each.seconds for each in observed.answers if not each.cold)
        return f"a hit took {worst:.2f} s" if worst > seconds else ""

    return demand


def all_within(seconds: float) -> Demand:
    """No reader waited longer."""
    return lambda observed: f"a read took {observed.worst_seconds:.2f} s" if observed.worst_seconds > seconds else ""


def half_within(seconds: float) -> Demand:
    """While the fault lasts, half of the reads take no longer."""

    def demand(observed: Observed) -> str:
        middle = median(each.seconds for each in observed.during())
        return f"half of the reads took {middle:.3f} s" if middle > seconds else ""

    return demand


def refused_at_most(share: float) -> Demand:
    """While the fault lasts, so many of the cold reads fail at most."""

    def demand(observed: Observed) -> str:
        cold = [each for each in observed.during() if each.cold]
        refused = sum(each.said.status != 200 for each in cold)
        return f"{refused} of {len(cold)} cold reads were refused" if refused > share * len(cold) else ""

    return demand


def back_within(seconds: float) -> Demand:
    """After the fault everything was as before so soon."""

    def demand(observed: Observed) -> str:
        back = observed.back_seconds
        return "" if back is not None and back <= seconds else f"back after {back} s"

    return demand


def nothing_old_is_read(observed: Observed) -> str:
    """Whoever asks after a change counts gets its price or a higher one."""
    for product_id, price, since in observed.prices:
        for each in observed.answers:
            read = each.said.price
            if each.product_id == product_id and each.sent >= since and read is not None and read < price:
                return f"{price} was the price {each.sent - since:.3f} s before {each}"
    return "" if observed.prices else "nothing was changed"


def felt_as_slow(seconds: float) -> Demand:
    """Some read during the fault took so long, or the fault was none."""

    def demand(observed: Observed) -> str:
        slow = [each for each in observed.during() if each.seconds >= seconds]
        return "" if slow else f"nobody waited for {seconds} s"

    return demand


def felt_as(**wanted: object) -> Demand:
    """Some answer during the fault said this, or the fault was none."""

    def demand(observed: Observed) -> str:
        said = [each.said._asdict() for each in observed.during()]
        return "" if any(wanted.items() <= each.items() for each in said) else f"nobody was told {_words(wanted)}"

    return demand


def _words(wanted: Mapping[str, object]) -> str:
    return " and ".join(f"{name} {value}" for name, value in wanted.items())
