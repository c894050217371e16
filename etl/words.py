"""The vocabulary of generated catalogues: names, sizes, features, and the parts of slogans and descriptions."""

from __future__ import annotations

CLOTHES_SIZES = ("XS", "S", "M", "L", "XL", "XXL")
SHOE_SIZES = ("7", "7.5", "8", "8.5", "9", "9.5", "10", "10.5", "11", "11.5", "12")

#: All equally likely, so that shoes are a tenth of a catalogue.
CATEGORIES = (
    *("Anorak", "Beanie", "Blazer", "Boots", "Cardigan", "Chinos", "Coat", "Dungarees", "Gilet", "Jumper"),
    *("Kilt", "Mittens", "Overshirt", "Parka", "Pyjamas", "Sandals", "Scarf", "Smock", "Tunic", "Waistcoat"),
)
SHOE_CATEGORIES = frozenset({"Boots", "Sandals"})

NAMES = (
    *(
        "Alder",
        "Amber",
        "Arden",
        "Birch",
        "Bramble",
        "Brisk",
        "Brücke",
        "Calder",
        "Cèdre",
        "Cinder",
        "Clover",
        "Cobble",
    ),
    *("Copper", "Dale", "Drift", "Dune", "Ember", "Fathom", "Fennel", "Ferry", "Flint", "Søndag", "Gale", "Garnet"),
    *("Glen", "Hallow", "Harbour", "Hazel", "Heron", "Isla", "Juniper", "Kestrel", "Lantern", "Larch", "Linnet"),
    *("Loch", "Marram", "Meadow", "Mistral", "Moor", "Peña", "North", "Orchard", "Otter", "Pebble", "Pier", "Plover"),
    *("Quarry", "Quill", "Reed", "Ridge", "Rowan", "Rook", "Saltmarsh", "Sedge", "Slate", "Sorrel", "Spindle", "Tarn"),
    *("Teasel", "Thistle", "Tidal", "Umber", "Vale", "Wharf", "Willow", "Wren", "Yarrow"),
)
NAME_PATTERNS = ("{name} {category}", "{name} {category}", "The {name} {category}", "{name} {number} {category}")

COLOURS = (
    *("Ash", "Bone", "Brick", "Charcoal", "Chalk", "Dusk", "Fern", "Fog", "Honey", "Ink", "Ivory", "Lichen", "Moss"),
    *("Mustard", "Navy", "Oat", "Peat", "Petrol", "Plum", "Rust", "Sage", "Sand", "Slate", "Soot", "Teal", "Wine"),
)

SLOGANS_FIRST = (
    *(
        "Made for",
        "Ready for",
        "Cut for",
        "Small talk about",
        "An answer to",
        "Kind to",
        "A quiet word on",
        "Twice round",
    ),
    *(
        "Never late for",
        "Good company on",
        "Built around",
        "Half a thought ahead of",
        "A soft spot for",
        "Leave room for",
    ),
)
SLOGANS_SECOND = (
    *("wet mornings", "the long way home", "slow Sundays", "cold platforms", "the last ferry", "a full kettle"),
    *(
        "people who walk",
        "wind, rain and gossip",
        "the second coffee",
        "open windows",
        "short notice",
        "borrowed bicycles",
    ),
    *("hills that look smaller on the map", "the top of the stairs", "any weather, really", "days without a plan"),
)

FABRICS = (
    *(
        "brushed cotton",
        "boiled wool",
        "waxed canvas",
        "washed linen",
        "recycled nylon",
        "heavy jersey",
        "soft corduroy",
    ),
    *("lambswool", "hemp twill", "ripstop", "merino", "moleskin", "felted tweed", "double gauze", "seersucker"),
)
PARTS = (
    *("collar", "cuff", "hem", "lining", "yoke", "inside pocket", "back panel", "placket", "heel tab", "front seam"),
    *("left sleeve", "waistband", "hood", "drawcord", "tongue", "welt"),
)
FINISHES = (
    *(
        "hand-finished",
        "double-stitched",
        "bound in tape",
        "cut on the bias",
        "reinforced where it rubs",
        "garment-dyed",
    ),
    *("pressed flat", "left raw on purpose", "bar-tacked", "quilted by the metre", "edged in a darker thread"),
)
OCCASIONS = (
    *("a walk before breakfast", "the train that is always late", "gardens after rain", "a night in a tent"),
    *("museums with too much air conditioning", "the office, if you must", "carrying too many books", "a windy pier"),
    *("dinner with people you like", "doing very little, well"),
)
SENTENCES = (
    "The {part} is {finish}, the rest is {fabric}.",
    "We chose {fabric} because it forgives everything except moths.",
    "Wear it for {occasion}, then wear it again for {occasion2}.",
    "A {part} in {colour}, {finish}, so that you find it in the dark.",
    "Our smallest workshop weaves the {fabric} and our oldest machine sews the {part}.",
    "It starts stiff and ends up as the thing you reach for, above all for {occasion}.",
    "Comes in {colour} and other colours that go with {colour2}.",
    "Nobody asked for a {part} in {fabric}; now nobody gives theirs back.",
    "Wash cold, dry flat, and keep away from {occasion} for the first week.",
    "Tested on {occasion} by someone who complains a lot, and {finish} after what we heard.",
)

#: Features with their possible values; None is a missing value.
CLOTHES_FEATURES: dict[str, tuple[str | None, ...]] = {
    "Fabric": ("Linen", "100% Cotton", "Boiled Wool", "98% Cotton 2% Elastane", "Canvas", "Corduroy"),
    "Cut": ("Straight", "Striaght", "Loose", "Slim", "Boxy", "Tapered"),
    "Buttons": ("Horn", "Corozo", "Brass", "Snaps", "Wooden Toggles", None),
    "Lining": ("Cupro", "None", "Quilted", None),
    "Care": ("Wash at 30", "Hand Wash", "Do not tumble dry"),
    "Origin": ("Woven by the sea", "Knitted in Årdal", "Sewn upstairs", None),
}
SHOE_FEATURES: dict[str, tuple[str | None, ...]] = {
    "Sole": ("Rubber", "Crepe", "Cork", "Commando"),
    "Upper": ("Suede", "Full-grain Leather", "Waxed Canvas", "Felt"),
    "Mid-Sole": ("Cushioned", "Steel Shank", "Shaped Cork Bed", None),
    "Stitching": ("Single Stitch", "Double Stitch", "Storm Welt"),
    "Laces": ("Round Cotton", "Flat Waxed", "None, thank you", None),
}
