"""The service as its next release could be: other entries in the cache, and a column of another name in Postgres.

gunicorn takes ``tests.hosts.next_release:app()``; as a program it is the invalidator.
"""

import hashlib
import struct
from typing import Any

from service import invalidator
from service.cache import entry, redis_store
from service.cache.redis_calls import Script
from service.catalogue import Kind, database
from service.process import run_until_stopped

EXPAND = (
    "ALTER TABLE products ADD COLUMN headline text",
    """CREATE FUNCTION headline_of_slogan() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.headline := NEW.slogan;
        RETURN NEW;
    END $$;
    CREATE TRIGGER headline BEFORE INSERT OR UPDATE ON products FOR EACH ROW EXECUTE FUNCTION headline_of_slogan()""",
    "UPDATE products SET headline = slogan",
)
"""Files that come before any instance of it: with each of them, the release before goes on."""

CONTRACT = (
    "DROP TRIGGER headline ON products; DROP FUNCTION headline_of_slogan(); ALTER TABLE products DROP COLUMN slogan",
)
"""Files that come when no instance of the release before is left."""

_BEFORE = f"FORMAT, TOMBSTONE, HEADER = {entry._FORMAT}"
FORMATS = entry._FORMAT, entry._FORMAT + 1


def _become_next() -> None:
    """Entries are eight bytes longer before the body; products read ``headline`` for ``slogan``."""
    entry._FORMAT = FORMATS[1]
    entry._HEADER = struct.Struct(entry._HEADER.format + "8x")
    entry._HEADER_SIZE = entry._HEADER.size
    assert _BEFORE in redis_store.PUT.text
    text = redis_store.PUT.text.replace(_BEFORE, f"FORMAT, TOMBSTONE, HEADER = {FORMATS[1]}")
    redis_store.PUT = Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
    name, sql = database.DOCUMENTS[Kind.PRODUCT]
    assert "p.slogan" in sql
    database.DOCUMENTS[Kind.PRODUCT] = database.Statement(name, sql.replace("p.slogan", "p.headline"))


def app() -> Any:
    """The application, for gunicorn."""
    _become_next()
    from service.wsgi import app

    return app


if __name__ == "__main__":
    _become_next()
    run_until_stopped(invalidator.run)
