"""Names of everything that the service keeps in Redis."""

from __future__ import annotations

_PREFIX = "overview:"

EPOCH = _PREFIX + "epoch"

SILENT_LISTENERS = _PREFIX + "silent-listeners"
"""How often the invalidator found that notifications did not reach it."""

PROBE = _PREFIX + "probe"
"""Never stored: a look-up of it checks that look-ups work."""


def entry_name(kind: str, product_id: int) -> str:
    """Name of one document's entry."""
    return f"{_PREFIX}{kind}:{product_id}"
