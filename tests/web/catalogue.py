"""A small catalogue by hand, with every quirk that the answers must carry, its rows in no order."""

import psycopg2

ROWS = {
    "products": [
        (10, "Tide Table", "When to go", "Printed on stone paper", "Paper", 9),
        (2, "Plain Box", "", "", "Boxes", 0),
        (1, "Harbour Lantern", "For late boats", 'Brass, glass and a "steady" flame', "Lamps", 140),
        (2147483647, "Last One", "Nothing after it", "The end", "Ends", 500000000),
        (3, "Žluťoučký kůň 🐎", "one\ntwo\tthree\r", "\\ \" / <b> ' \x01\b\f\x1f\x7f\u2028\u2029", "灯り", 7),
        (9, "Rope", "Ten fathoms", "Hemp", "Rigging", 35),
        (7, "Oar", "One of two", "Ash", "Rigging", 80),
    ],
    "features": [
        (6, 1, "Wick", "Cotton"),
        (4, 1, "Glass", None),
        (5, 1, "Glass", None),
        (9, 3, 'Say "ahoj"', "back\\slash"),
        (3, 7, "Wood", ""),
    ],
    "styles": [
        (13, 1, "Tarnished", 140, 100, False),
        (11, 1, "Polished", 140, None, True),
        (12, 1, "Black", 0, 0, False),
        (31, 3, "Žíhaný\n", 7, None, False),
        (90, 9, "Tarred", 2147483647, None, True),
        (91, 9, "Bare", 35, 30, False),
    ],
    "photos": [
        (52, 11, "https://pictures.example/b.jpg", "https://pictures.example/b-small.jpg"),
        (51, 11, "https://pictures.example/a.jpg?w=1&h=2", "uhttps://pictures.example/a-small.jpg"),
        (300, 13, "", ""),
    ],
    "skus": [
        (100, 11, "XL", 3),
        (10, 11, "XL", 8),
        (9, 11, "S", 0),
        (37, 12, '7½"', 16),
        (901, 90, "M", 2147483647),
        (911, 91, "10 m", 4),
        (912, 91, "20 m", 2),
    ],
    "related_products": [(5, 1, 9), (3, 1, 1), (4, 1, 9), (8, 1, 2), (6, 7, 4444)],
}
IDS = sorted(row[0] for row in ROWS["products"])
UNKNOWN = 8


def card(product_id):
    """What a list shows of a product, keys in the order of the contract."""
    _, *texts, price = next(row for row in ROWS["products"] if row[0] == product_id)
    fields = ("name", "slogan", "description", "category")
    return {"id": product_id, **dict(zip(fields, texts, strict=True)), "default_price": str(price)}


def fill(database_url):
    """Put the rows into an empty, migrated database."""
    execute(database_url, *((insertion(table, row), row) for table, rows in ROWS.items() for row in rows))


def execute(database_url, *statements):
    """Run (SQL, values) in one transaction, as someone beside the service."""
    connection = psycopg2.connect(database_url)
    try:
        with connection, connection.cursor() as cursor:
            for sql, values in statements:
                cursor.execute(sql, values)
    finally:
        connection.close()


def insertion(table, row):
    columns = "(id, name, slogan, description, category, default_price)" if table == "products" else ""
    return f"INSERT INTO {table} {columns} VALUES ({', '.join(['%s'] * len(row))})"  # noqa: S608
