"""Names of everything that the service keeps in Redis."""

from __future__ import annotations

from collections.abc import Iterable

_PREFIX = "overview:"

EPOCH = _PREFIX + "epoch"

POSITION = _PREFIX + "position"
"""How far the primary's log was written when the newest invalidation was announced."""

SILENT_LISTENERS = _PREFIX + "silent-listeners"
"""How often the invalidator found that notifications did not reach it."""

PROBE = _PREFIX + "probe"
"""Never stored: a look-up of it checks that look-ups work."""


class _Prefixes(dict[str, str]):
    def __missing__(self, kind: str) -> str:
        return self.setdefault(kind, f"{_PREFIX}{kind}:")


_PREFIX_OF = _Prefixes()  # formatting a name as a whole takes twice as long, and every hit has one


def entry_name(kind: str, product_id: int) -> str:
    """Name of one document's entry."""
    return _PREFIX_OF[kind] + str(product_id)


def entry_names(keys: Iterable[tuple[str, int]]) -> list[str]:
    """Names of the entries of documents, given by kind and product."""
    return [_PREFIX_OF[kind] + str(product_id) for kind, product_id in keys]
