"""Products by the million: random ones whose features, styles, photos, skus and related ids sum to exact totals.

Products are drawn in blocks of about a thousand. A block's share of every total is fixed before anything is drawn; then
each product or style draws a typical count, and random ones give or take one until the block's share is met.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from random import Random
from typing import TypeVar

from etl import words
from etl.rows import Product, Style, photo

BLOCK = 1000
VARIANTS = 500

# Each count as often as it is typical; the means are near the full catalogue's.
FEATURES_PER_PRODUCT = (0, 1, 1, 2, 2, 2, 3, 3, 4, 4)
STYLES_PER_PRODUCT = (0, 1, 1, 1, 2, 2, 2, 3, 3, 5)
PHOTOS_PER_STYLE = (0, 1, 1, 2, 2, 3, 3, 3, 3, 4, 6, 6)
SKUS_PER_STYLE = (0, 3, 3, 4, 4, 4, 4, *[5] * 8, *[len(words.SHOE_SIZES)] * 35)
RELATED_PER_PRODUCT = (0, 1, 2, 3, 4, 4, 5, 6, 6, 7, 8, 9)
MOST_PER_PARENT = 11

Item = TypeVar("Item")
#: Sizes and quantities of the skus of a style.
Stock = Sequence[tuple[str, int]]

# Shared out to the blocks like the rows of a file.
_RELATED_TO_NONE = "related ids that are 0"


class Assortment:
    """Endless products of one seed; ``products`` draws from it."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._sentences = [[self._sentence(pattern) for _ in range(VARIANTS)] for pattern in words.SENTENCES]
        self._slogans = [f"{first} {second}" for first in words.SLOGANS_FIRST for second in words.SLOGANS_SECOND]
        self._colours = [*words.COLOURS, *(f"{one} & {two}" for one in words.COLOURS for two in words.COLOURS)]
        self._features = {
            sizes: [(name, value) for name, values in features.items() for value in values]
            for sizes, features in _FEATURES.items()
        }
        # The stock of a style, precomputed by sizes and count: skus are the largest table.
        self._stock = {
            (sizes, count): [self._stocked(sizes, count) for _ in range(VARIANTS)]
            for sizes in _FEATURES
            for count in range(len(sizes) + 1)
        }

    def products(self, totals: Mapping[str, int], catalogue_size: int, related_to_none: int) -> Iterator[Product]:
        """Yield ``totals["product.csv"]`` products; every other total, by file name, is met exactly as well.

        Related ids lie in 1..catalogue_size, but for ``related_to_none`` of them, which are 0.
        """
        blocks = max(1, totals["product.csv"] // BLOCK)
        everything = {**totals, _RELATED_TO_NONE: related_to_none}
        for block in range(blocks):
            shares = {name: (block + 1) * n // blocks - block * n // blocks for name, n in everything.items()}
            yield from self._block(shares, catalogue_size)

    def _block(self, shares: Mapping[str, int], catalogue_size: int) -> Iterator[Product]:
        categories = self._rng.choices(words.CATEGORIES, k=shares["product.csv"])
        sizes = [words.SHOE_SIZES if c in words.SHOE_CATEGORIES else words.CLOTHES_SIZES for c in categories]
        most = [MOST_PER_PARENT] * len(categories)
        features = self._counts(shares["features.csv"], FEATURES_PER_PRODUCT, most)
        styles = self._counts(shares["styles.csv"], STYLES_PER_PRODUCT, most)
        related = self._counts(shares["related.csv"], RELATED_PER_PRODUCT, most)
        related_ids = iter(self._related_ids(shares["related.csv"], shares[_RELATED_TO_NONE], catalogue_size))
        style_sizes = [s for s, count in zip(sizes, styles, strict=True) for _ in range(count)]
        stocked = iter(self._stocks(shares, style_sizes))
        for i, category in enumerate(categories):
            price = self._price()
            yield Product(
                *(self._name(category), self._pick(self._slogans), self._description(), category, price),
                features=[self._pick(self._features[sizes[i]]) for _ in range(features[i])],
                styles=self._styles(price, islice(stocked, styles[i])),
                related=list(islice(related_ids, related[i])),
            )

    def _stocks(self, shares: Mapping[str, int], sizes: Sequence[tuple[str, ...]]) -> Iterator[tuple[int, Stock]]:
        """Yield the number of photos, and the skus, of each style of a block."""
        photos = self._counts(shares["photos.csv"], PHOTOS_PER_STYLE, [MOST_PER_PARENT] * len(sizes))
        skus = self._counts(shares["skus.csv"], SKUS_PER_STYLE, [len(s) for s in sizes])
        return ((p, self._pick(self._stock[s, n])) for p, s, n in zip(photos, sizes, skus, strict=True))

    def _styles(self, price: int, stocked: Iterator[tuple[int, Stock]]) -> list[Style]:
        default = self._rng.random() < 0.97
        return [
            Style(self._pick(self._colours), price, self._sale(price), default and not i, self._photos(photos), skus)
            for i, (photos, skus) in enumerate(stocked)
        ]

    def _photos(self, count: int) -> list[tuple[str, str]]:
        bits = self._rng.getrandbits
        return [photo(f"{bits(40):013d}-{bits(48):012x}") for _ in range(count)]

    def _counts(self, total: int, typical: Sequence[int], most: Sequence[int]) -> list[int]:
        """One count per entry of ``most``, at most that, summing to ``total``, which must fit."""
        counts = list(map(min, self._rng.choices(typical, k=len(most)), most))
        missing = total - sum(counts)
        step = 1 if missing > 0 else -1
        while missing:
            i = int(self._rng.random() * len(counts))
            if 0 <= counts[i] + step <= most[i]:
                counts[i] += step
                missing -= step
        return counts

    def _related_ids(self, count: int, zeros: int, catalogue_size: int) -> list[int]:
        random = self._rng.random
        ids = [1 + int(random() * catalogue_size) for _ in range(count)]
        for i in self._rng.sample(range(count), zeros):
            ids[i] = 0
        return ids

    def _stocked(self, sizes: Sequence[str], count: int) -> Stock:
        kept = sorted(self._rng.sample(range(len(sizes)), count))
        return [(sizes[i], max(0, self._rng.randrange(-2, 40))) for i in kept]

    def _price(self) -> int:
        return int(self._rng.random() * 1000)

    def _sale(self, price: int) -> int | None:
        chance = self._rng.random()
        return None if chance > 0.2 else 0 if chance > 0.19 else int(price * (0.5 + 2 * chance))

    def _name(self, category: str) -> str:
        name, number = self._pick(words.NAMES), int(self._rng.random() * 90 + 10) * 100
        return self._pick(words.NAME_PATTERNS).format(name=name, category=category, number=number)

    def _description(self) -> str:
        patterns = self._rng.sample(self._sentences, 1 + int(self._rng.random() * 5))
        return " ".join([self._pick(sentences) for sentences in patterns])

    def _sentence(self, pattern: str) -> str:
        fabric, part, finish = map(self._pick, (words.FABRICS, words.PARTS, words.FINISHES))
        occasion, occasion2 = self._rng.sample(words.OCCASIONS, 2)
        colour, colour2 = (c.lower() for c in self._rng.sample(words.COLOURS, 2))
        return pattern.format(
            **{"fabric": fabric, "part": part, "finish": finish, "colour": colour, "colour2": colour2},
            **{"occasion": occasion, "occasion2": occasion2},
        )

    def _pick(self, items: Sequence[Item]) -> Item:
        # Three times as fast as Random.choice, whose evenness to the last bit is not needed here.
        return items[int(self._rng.random() * len(items))]


_FEATURES = {words.CLOTHES_SIZES: words.CLOTHES_FEATURES, words.SHOE_SIZES: words.SHOE_FEATURES}
