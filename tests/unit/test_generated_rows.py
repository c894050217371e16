import csv
from itertools import pairwise

import pytest

from etl import generate, showcase
from etl.rows import HEADERS, UNCLOSED_PHOTOS


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sample")
    generate.generate(directory, products=1000)
    return directory


@pytest.fixture(scope="module")
def rows(sample):
    """Rows by file name, as the csv module reads them once the lines with an odd number of quotes are mended."""
    return {name: parsed(sample / name) for name in HEADERS}


def parsed(file):
    lines = [line + '"' * (line.count('"') % 2) for line in text(file).split("\n")]
    table = list(csv.DictReader(lines, strict=True))
    assert len(table) == len(lines) - 1
    assert all(None not in row and None not in row.values() for row in table)
    return table


def text(file):
    return file.read_bytes().decode()


def children(rows, name, parent, parent_id):
    return [row for row in rows[name] if row[parent] == str(parent_id)]


def product_row(rows, product_id):
    return rows["product.csv"][product_id - 1]


def style_row(rows, style_id):
    return rows["styles.csv"][style_id - 1]


def of_product(rows, product_id):
    features = children(rows, "features.csv", "product_id", product_id)
    related = children(rows, "related.csv", "current_product_id", product_id)
    return features, children(rows, "styles.csv", "productId", product_id), related


def of_style(rows, style_id):
    return children(rows, "photos.csv", "styleId", style_id), children(rows, "skus.csv", "styleId", style_id)


def related_ids(rows, product_id):
    return [int(row["related_product_id"]) for row in of_product(rows, product_id)[2]]


def test_files_have_the_headers_of_the_current_generation_and_no_last_newline(sample):
    for name, header in HEADERS.items():
        content = text(sample / name)
        assert content.startswith(header + "\n")
        assert not content.endswith("\n")
        assert "\r" not in content


def test_strings_are_quoted_and_numbers_and_nulls_are_bare(sample):
    third = {name: text(sample / name).split("\n")[3] for name in HEADERS if name != "cart.csv"}
    assert third["product.csv"].startswith('3,"Porridge Jumper","Oats, but knitted","Thick')
    assert third["product.csv"].endswith('","Jumper",85')
    assert third["features.csv"] == '3,2,"Lenses","Smoked Glass"'
    assert third["styles.csv"] == '3,1,"Deep Teal & Fog",100,140,0'
    assert third["photos.csv"].startswith('3,1,"https://images.example.com/photo-harbour-003')
    assert third["skus.csv"] == '3,1,"M",17'
    assert third["related.csv"] == "3,1,8"
    assert '\n4,2,"Glare",null\n' in text(sample / "features.csv")
    assert '\n1,1,"Harbour Green & Ink",null,140,1\n' in text(sample / "styles.csv")


def test_ids_ascend_and_only_photos_have_gaps(rows):
    for name, table in rows.items():
        ids = [int(row["id"]) for row in table]
        assert ids[0] == 1
        steps = {after - before for before, after in pairwise(ids)}
        assert steps == ({1, 2} if name == "photos.csv" else {1})


@pytest.mark.parametrize(
    ("child", "reference", "parent"),
    [
        ("features.csv", "product_id", "product.csv"),
        ("styles.csv", "productId", "product.csv"),
        ("photos.csv", "styleId", "styles.csv"),
        ("skus.csv", "styleId", "styles.csv"),
        ("related.csv", "current_product_id", "product.csv"),
        ("cart.csv", "product_id", "product.csv"),
    ],
)
def test_every_parent_exists(rows, child, reference, parent):
    assert rows[child]
    assert {row[reference] for row in rows[child]} <= {row["id"] for row in rows[parent]}


@pytest.mark.parametrize("products", [100, 1000])
def test_exactly_ten_photo_lines_lack_their_closing_quote(tmp_path, products):
    generate.generate(tmp_path, products=products)
    broken = [line for line in text(tmp_path / "photos.csv").split("\n") if line.count('"') % 2]
    assert {int(line.split(",")[0]) for line in broken} == UNCLOSED_PHOTOS
    assert len(UNCLOSED_PHOTOS) == 10
    assert all(line.endswith("&q=80") for line in broken)
    others = [name for name in HEADERS if name != "photos.csv"]
    assert not any(line.count('"') % 2 for name in others for line in text(tmp_path / name).split("\n"))


def test_related_ids_are_products_but_for_a_few_that_are_zero(rows):
    ids = [int(row["related_product_id"]) for row in rows["related.csv"]]
    assert ids.count(0) == 2
    assert min(ids) == 0
    assert max(ids) <= 1000


def test_first_product_is_whole(rows):
    features, styles, related = of_product(rows, showcase.PRODUCT_IN_FULL)
    assert (len(features), len(styles), len(related)) == (2, 5, 4)
    assert all(all(of_style(rows, style["id"])) for style in styles)
    assert [style["default_style"] for style in styles] == ["1", "0", "0", "0", "0"]
    sizes = [sku["size"] for sku in of_style(rows, showcase.STYLE_WITH_REPEATED_SIZE)[1]]
    assert sizes == ["XS", "S", "M", "L", "XL", "XL"]


def test_products_without_children(rows):
    assert [bool(part) for part in of_product(rows, showcase.PRODUCT_WITHOUT_STYLES)] == [True, False, True]
    assert [bool(part) for part in of_product(rows, showcase.PRODUCT_WITHOUT_FEATURES)] == [False, True, True]
    assert [bool(part) for part in of_product(rows, showcase.PRODUCT_WITHOUT_RELATED)] == [True, True, False]
    assert of_product(rows, showcase.PRODUCT_WITH_NOTHING) == ([], [], [])


def test_styles_without_children(rows):
    assert [bool(part) for part in of_style(rows, showcase.STYLE_WITHOUT_PHOTOS)] == [False, True]
    assert [bool(part) for part in of_style(rows, showcase.STYLE_WITHOUT_SKUS)] == [True, False]
    assert of_style(rows, showcase.STYLE_WITH_NEITHER) == ([], [])
    assert {sku["quantity"] for sku in of_style(rows, showcase.STYLE_SOLD_OUT)[1]} == {"0"}


def test_a_product_without_a_default_style(rows):
    styles = of_product(rows, showcase.PRODUCT_WITHOUT_DEFAULT_STYLE)[1]
    assert [style["default_style"] for style in styles] == ["0", "0", "0"]


def test_related_to_itself_and_twice_to_another(rows):
    assert related_ids(rows, showcase.PRODUCT_RELATED_TO_ITSELF) == [showcase.PRODUCT_RELATED_TO_ITSELF, 2, 5, 3, 2]


def test_repeated_and_misspelt_features(rows):
    features = [(row["feature"], row["value"]) for row in of_product(rows, showcase.PRODUCT_WITH_REPEATED_FEATURES)[0]]
    assert features.count(("Cut", "Striaght")) == 2


def test_prices_of_nothing_and_of_too_much(rows):
    assert product_row(rows, showcase.PRODUCT_FOR_NOTHING)["default_price"] == "0"
    assert style_row(rows, showcase.STYLE_ON_SALE_FOR_NOTHING)["sale_price"] == "0"
    assert style_row(rows, showcase.STYLE_ON_SALE_FOR_NOTHING)["original_price"] != "0"
    assert product_row(rows, showcase.PRODUCT_BEYOND_PRICE)["default_price"] == "500000000"
    assert of_product(rows, showcase.PRODUCT_BEYOND_PRICE)[1][0]["original_price"] == "500000000"


def test_one_thumbnail_starts_with_uhttps(rows):
    broken = [row for row in rows["photos.csv"] if not row["thumbnail_url"].startswith("https://images.example.com/")]
    assert [row["styleId"] for row in broken] == [str(showcase.STYLE_WITH_BROKEN_THUMBNAIL)]
    assert broken[0]["thumbnail_url"].startswith("uhttps://")


def test_hard_text_survives_parsing(rows):
    for product_id, product in enumerate(showcase.PRODUCTS, start=1):
        row = product_row(rows, product_id)
        assert [row["name"], row["slogan"], row["description"], row["category"]] == list(product[:4])
        assert [style["name"] for style in of_product(rows, product_id)[1]] == [style.name for style in product.styles]
    assert '", "' in product_row(rows, showcase.PRODUCT_WITH_QUOTES)["description"]
    assert not product_row(rows, showcase.PRODUCT_IN_OTHER_SCRIPTS)["description"].isascii()
    assert "\\N" in product_row(rows, showcase.PRODUCT_WITH_BACKSLASHES)["description"]


def test_drawn_products_look_like_the_old_ones(rows):
    drawn = rows["product.csv"][len(showcase.PRODUCTS) :]
    assert all(20 <= len(row["description"]) <= 600 for row in drawn)
    assert all(110 <= len(row["url"]) <= 150 for row in rows["photos.csv"])
    assert len({row["description"] for row in drawn}) > 900
    sizes = {row["size"] for row in rows["skus.csv"]}
    assert sizes == {"XS", "S", "M", "L", "XL", "XXL", *(f"{half / 2:g}" for half in range(14, 25))}
    styled = {row["productId"] for row in rows["styles.csv"]}
    assert 30 < sum(row["id"] not in styled for row in drawn) < 200
