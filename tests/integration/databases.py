"""What tests of migrations and loads see of a database: its structure, and its catalogue row by row."""

from contextlib import closing
from pathlib import Path

import psycopg2

STRUCTURE = Path(__file__).with_name("structure.sql").read_text()
TABLES = ("products", "features", "styles", "photos", "skus", "related_products")


def queries(url, *statements):
    """The rows of each statement, all in one transaction."""
    with closing(psycopg2.connect(url, connect_timeout=10)) as connection, connection, connection.cursor() as cursor:
        return [_rows(cursor, statement) for statement in statements]


def _rows(cursor, statement):
    cursor.execute(statement)
    return cursor.fetchall() if cursor.description else []


def query(url, statement):
    return queries(url, statement)[0]


def structure(url):
    """Every part of the schema as (kind, name) -> definition."""
    return {(kind, name): definition for kind, name, definition in query(url, STRUCTURE)}


def catalogue(url):
    """Every row of every table, and the epochs."""
    names = (*TABLES, "catalogue_loads")
    return dict(zip(names, queries(url, *(f"TABLE {name} ORDER BY 1" for name in names)), strict=True))
