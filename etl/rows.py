"""Products as the rows of the seven CSV files, in the format of the old service's current generation.

Strings are quoted, integers and ``null`` are bare, lines end in a line feed, except the last one. Two faults of the old
photos.csv depend on ids and are reproduced here: gaps in the ids, and ten lines without their closing quote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, NamedTuple

HEADERS = {
    "product.csv": "id,name,slogan,description,category,default_price",
    "features.csv": "id,product_id,feature,value",
    "styles.csv": "id,productId,name,sale_price,original_price,default_style",
    "photos.csv": "id,styleId,url,thumbnail_url",
    "skus.csv": "id,styleId,size,quantity",
    "related.csv": "id,current_product_id,related_product_id",
    "cart.csv": "id,user_session,product_id,active",
}

#: Photos whose lines lack the closing quote of thumbnail_url.
UNCLOSED_PHOTOS = frozenset({48, 249, 263, 272, 282, 298, 304, 315, 326, 337})
#: No photo has an id that is a multiple of this.
PHOTO_GAP = 101


class Style(NamedTuple):
    """A style to write: prices in whole units, photos as (url, thumbnail url), skus as (size, quantity)."""

    name: str
    original_price: int
    sale_price: int | None
    default: bool
    photos: Sequence[tuple[str, str]]
    skus: Sequence[tuple[str, int]]


class Product(NamedTuple):
    """A product to write, with its child rows; features as (feature, value), related as product ids."""

    name: str
    slogan: str
    description: str
    category: str
    default_price: int
    features: Sequence[tuple[str, str | None]]
    styles: Sequence[Style]
    related: Sequence[int]


class Sheet:
    """One CSV file that numbers its rows. Rows are buffered until ``flush``."""

    def __init__(self, stream: IO[str], header: str) -> None:
        self.count = 0
        self._stream = stream
        self._pending = [header]

    def add(self, row: str) -> int:
        """Append a row, given without its id, and return the id."""
        self.count += 1
        # The line end comes first, so that the file ends without one.
        self._pending.append(f"\n{self.count},{row}")
        return self.count

    def flush(self) -> None:
        """Write the buffered rows to the stream."""
        self._stream.write("".join(self._pending))
        self._pending.clear()


class PhotoSheet(Sheet):
    """photos.csv with its faults."""

    def add(self, row: str) -> int:
        """Append a photo, some without the last quote, and return its id."""
        number = self.count + self.count // (PHOTO_GAP - 1) + 1
        self.count += 1
        self._pending.append(f"\n{number},{row[:-1] if number in UNCLOSED_PHOTOS else row}")
        return number


class Sheets:
    """The seven files of a catalogue. Ids follow from the order in which products are added."""

    def __init__(self, streams: Mapping[str, IO[str]]) -> None:
        kinds: dict[str, type[Sheet]] = {"photos.csv": PhotoSheet}
        self.by_name = {name: kinds.get(name, Sheet)(streams[name], header) for name, header in HEADERS.items()}

    def add(self, product: Product) -> None:
        """Append a product with its features, styles, photos, skus and related ids."""
        texts = ",".join(map(quoted, product[:4]))
        product_id = self.by_name["product.csv"].add(f"{texts},{product.default_price}")
        for feature, value in product.features:
            self.by_name["features.csv"].add(f"{product_id},{quoted(feature)},{quoted(value)}")
        for style in product.styles:
            self._add_style(product_id, style)
        for related_id in product.related:
            self.by_name["related.csv"].add(f"{product_id},{related_id}")

    def _add_style(self, product_id: int, style: Style) -> None:
        sale_price = "null" if style.sale_price is None else style.sale_price
        prices = f"{sale_price},{style.original_price},{int(style.default)}"
        style_id = self.by_name["styles.csv"].add(f"{product_id},{quoted(style.name)},{prices}")
        add_photo, add_sku = self.by_name["photos.csv"].add, self.by_name["skus.csv"].add
        for url, thumbnail_url in style.photos:
            add_photo(f'{style_id},"{url}","{thumbnail_url}"')
        for size, quantity in style.skus:
            add_sku(f'{style_id},"{size}",{quantity}')

    def add_cart(self, user_session: int, product_id: int, active: bool) -> None:
        """Append a row of the old service's carts, which name products and not skus."""
        self.by_name["cart.csv"].add(f"{user_session},{product_id},{int(active)}")

    def flush(self) -> None:
        """Write the buffered rows to the streams."""
        for sheet in self.by_name.values():
            sheet.flush()

    def counts(self) -> dict[str, int]:
        """Rows added so far by file name."""
        return {name: sheet.count for name, sheet in self.by_name.items()}


def quoted(text: str | None) -> str:
    """Text as a CSV field: in quotes, quotes inside doubled; a bare ``null`` for None."""
    return "null" if text is None else '"' + text.replace('"', '""') + '"'


def photo(token: str) -> tuple[str, str]:
    """Address of a photo and of its thumbnail, on a host name that is reserved for examples."""
    address = f"https://images.example.com/photo-{token}?library=shelf-2.4.1&set=c2hlbGYtMjAyNA&auto=format&fit=crop"
    return f"{address}&w=1650&q=80", f"{address}&w=300&q=80"
