"""The first products of every generated catalogue, written by hand: one for each edge case of the old service's data.

A constant names the product or the style of each case. Their text, prices and counts do not depend on the seed or on
the size of the catalogue.
"""

from __future__ import annotations

from etl.rows import Product, Style, photo
from etl.words import CLOTHES_SIZES

PRODUCT_IN_FULL = 1  # two features, five styles that all have photos and skus, four related products
PRODUCT_WITHOUT_STYLES = 2  # and a feature whose value is null
PRODUCT_WITHOUT_FEATURES = 3
PRODUCT_WITHOUT_RELATED = 4
PRODUCT_WITHOUT_DEFAULT_STYLE = 5
PRODUCT_RELATED_TO_ITSELF = 6  # and twice to the same other one
PRODUCT_WITH_REPEATED_FEATURES = 7  # one of which is spelt 'Striaght'
PRODUCT_FOR_NOTHING = 8  # price 0; its first style is on sale for 0
PRODUCT_BEYOND_PRICE = 9  # 500000000
PRODUCT_WITH_QUOTES = 10  # double quotes and commas in every text
PRODUCT_IN_OTHER_SCRIPTS = 11  # accents, CJK and an emoji
PRODUCT_WITH_BACKSLASHES = 12
PRODUCT_WITH_NOTHING = 13  # no features, styles or related products

STYLE_WITH_REPEATED_SIZE = 1  # of product 1: skus 5 and 6 are both XL
STYLE_WITHOUT_PHOTOS = 6  # of product 3
STYLE_WITHOUT_SKUS = 7  # of product 3
STYLE_WITH_NEITHER = 8  # of product 4
STYLE_SOLD_OUT = 9  # of product 4: every quantity is 0
STYLE_ON_SALE_FOR_NOTHING = 17  # of product 8
STYLE_WITH_BROKEN_THUMBNAIL = 23  # of product 11: the address starts with uhttps

_STOCK = (8, 16, 17, 10, 15, 6)
_CLOTHES = tuple(zip(CLOTHES_SIZES, _STOCK, strict=True))
_REPEATED_SIZE = tuple(zip((*CLOTHES_SIZES[:5], "XL"), _STOCK, strict=True))
_SOLD_OUT = tuple((size, 0) for size in CLOTHES_SIZES)


def _photos(name: str, count: int) -> list[tuple[str, str]]:
    return [photo(f"{name}-{i:03d}-0123456789abcdef") for i in range(1, count + 1)]


def _broken_thumbnail(name: str) -> list[tuple[str, str]]:
    (url, thumbnail_url), *others = _photos(name, 3)
    return [(url, f"u{thumbnail_url}"), *others]


PRODUCTS = (
    Product(
        "Ferryman Rain Coat",
        "Let it pour",
        "Cut long enough for the upper deck and short enough for a bicycle home. The seams are taped, the hood stays "
        "up in a head wind, and the inside pocket fits a paperback and a sandwich.",
        "Coat",
        140,
        [("Fabric", "Waxed Canvas"), ("Buttons", "Horn")],
        [
            Style("Harbour Green & Ink", 140, None, True, _photos("harbour", 6), _REPEATED_SIZE),
            Style("Sand & Peat", 140, None, False, _photos("sand", 5), _CLOTHES),
            Style("Deep Teal & Fog", 140, 100, False, _photos("teal", 4), _CLOTHES),
            Style("Brick & Ink", 140, None, False, _photos("brick", 3), _CLOTHES),
            Style("Charcoal & Soot", 170, 125, False, _photos("charcoal", 2), _CLOTHES),
        ],
        [2, 3, 8, 7],
    ),
    Product(
        "Lighthouse Spectacles",
        "See it coming",
        "Round frames for long looks out to sea, drawn but never made.",
        "Scarf",
        69,
        [("Lenses", "Smoked Glass"), ("Glare", None), ("Frames", "Larch")],
        [],
        [3, 7, 6, 5],
    ),
    Product(
        "Porridge Jumper",
        "Oats, but knitted",
        "Thick, plain and warm, with sleeves that roll up for the washing.",
        "Jumper",
        85,
        [],
        [Style("Oat", 85, None, True, [], _CLOTHES), Style("Honey", 85, 60, False, _photos("honey", 3), [])],
        [5, 9, 7, 2, 1],
    ),
    Product(
        "Back Row Waistcoat",
        "Last in, first to the buffet",
        "Eight buttons, of which you need three. The back is cotton, because nobody sees it.",
        "Waistcoat",
        65,
        [("Fabric", "Tweed"), ("Buttons", "Corozo")],
        [Style("Rust", 65, None, True, [], []), Style("Plum", 65, 40, False, _photos("plum", 2), _SOLD_OUT)],
        [],
    ),
    Product(
        "Undecided Anorak",
        "One of these must be yours",
        "Three colours, none of them first. Half zip, whole pocket, and a drawcord to chew on in meetings.",
        "Anorak",
        99,
        [("Fabric", "Ripstop"), ("Lining", None)],
        [
            Style("Mustard", 99, None, False, _photos("mustard", 3), _CLOTHES),
            Style("Petrol", 99, None, False, _photos("petrol", 3), _CLOTHES),
            Style("Wine", 99, 79, False, _photos("wine", 2), _CLOTHES),
        ],
        [6, 8, 9, 1, 3],
    ),
    Product(
        "Mirror Mittens",
        "Goes with itself",
        "A left one and a right one, knitted as one piece and parted at the last moment.",
        "Mittens",
        25,
        [("Fabric", "Lambswool")],
        [Style("Fog", 25, None, True, _photos("fog", 4), _CLOTHES)],
        [6, 2, 5, 3, 2],
    ),
    Product(
        "Ruler Chinos",
        "There and back in one line",
        "Pressed once at the workshop and never since. The waistband gives a little after lunch.",
        "Chinos",
        75,
        [("Cut", "Striaght"), ("Fabric", "98% Cotton 2% Elastane"), ("Cut", "Striaght"), ("Cut", "Loose")],
        [
            Style("Chalk", 75, None, True, _photos("chalk", 3), _CLOTHES),
            Style("Navy", 75, 50, False, _photos("navy", 3), _CLOTHES[1:]),
            Style("Moss", 75, None, False, _photos("moss", 2), _CLOTHES[:4]),
        ],
        [1, 2, 3, 4, 5, 6, 7, 8, 9],
    ),
    Product(
        "Sample Scarf",
        "Costs nothing, keeps the wind out",
        "Woven from what was left on the loom on Friday. No two are alike and none is for sale, strictly speaking.",
        "Scarf",
        0,
        [("Fabric", "Whatever was left")],
        [
            Style("Friday", 30, 0, True, _photos("friday", 2), _CLOTHES[:1]),
            Style("Saturday", 0, None, False, _photos("saturday", 2), _CLOTHES[:1]),
        ],
        [2, 3, 4, 7, 9, 10],
    ),
    Product(
        "Moon Parka",
        "One careful owner",
        "Lined for a quarter of a million miles of bad weather. Delivery is not included.",
        "Parka",
        500_000_000,
        [("Insulation", "Vacuum"), ("Origin", "Sea of Showers")],
        [Style("Dust", 500_000_000, None, True, _photos("dust", 4), _CLOTHES)],
        [1, 2, 6, 7, 5, 8],
    ),
    Product(
        'The "Quiet" Smock',
        '"Hush", said the loom, and hushed',
        'A smock that whispers. Critics call it "soft", "grey", and "a smock"; 36" long, give or take.',
        "Smock",
        55,
        [('The "Cut"', 'Boxy, or "roomy"'), ("Length", '36"')],
        [Style('"Off" White, Nearly', 55, None, True, _photos("white", 3), _CLOTHES)],
        [11, 12, 13],
    ),
    Product(
        "Señor Brûlée Überjacke 外套",
        "Żółta łódź, 晴れの日も雨の日も 🧥",
        "Naïve café-crème stripes, 手織りのウール, тёплая подкладка, and a hood for whoever reads this far… 🌧️",
        "Overshirt",
        180,
        [("Étoffe", "Laine bouillie"), ("素材", "ウール")],
        [
            Style("Crème & Café", 180, None, True, _photos("creme", 2), _CLOTHES),
            Style("抹茶", 180, 150, False, _photos("matcha", 3), _CLOTHES),
            Style("Glacé 🍦", 180, None, False, _broken_thumbnail("glace"), _CLOTHES),
        ],
        [10, 12, 1],
    ),
    Product(
        "Back\\slash Blazer",
        "Leans \\ the other way",
        "Slanted pockets \\ slanted lapels, and a label that reads C:\\wardrobe\\new \\N \\. \\\\ for no reason.",
        "Blazer",
        120,
        [("Pockets", "\\ and \\")],
        [Style("Ink \\ Ivory", 120, None, True, _photos("ink", 3), _CLOTHES)],
        [10, 11, 12],
    ),
    Product("Bare Hanger", "Nothing to see", "It holds what you already have.", "Coat", 3, [], [], []),
)
