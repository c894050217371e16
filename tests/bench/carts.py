"""Carts for additions to be measured with, which are gone afterwards."""

from collections.abc import Mapping
from contextlib import closing
from uuid import uuid4

import psycopg2

from service.cart.tokens import CartTokens
from service.settings import Settings

_PEERS_TABLE = "CREATE TABLE bench_additions (session text, sku_id integer, count integer)"
_GONE = """
DROP TABLE bench_additions;
DELETE FROM cart_lines USING carts WHERE carts.id = cart_id AND touched_at >= %(began)s;
DELETE FROM carts WHERE touched_at >= %(began)s;
DELETE FROM cart_keys WHERE added_at >= %(began)s
"""


class Carts:
    """Gives tokens of carts; ``close`` deletes every cart that was used since this began."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._url = settings["DATABASE_URL"]
        self._tokens = CartTokens(Settings.from_env(settings).cart_secrets())
        with closing(psycopg2.connect(self._url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS bench_additions; {_PEERS_TABLE}; SELECT now()")
            ((self._began,),) = cursor.fetchall()

    def token(self) -> str:
        """The token of a cart that nobody has used."""
        return self._tokens.issue(uuid4())

    def close(self) -> None:
        """Delete them, with what peers added."""
        with closing(psycopg2.connect(self._url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(_GONE, {"began": self._began})
