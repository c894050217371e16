"""Names of everything that the service keeps in Redis."""

from __future__ import annotations

_PREFIX = "overview:"

EPOCH = _PREFIX + "epoch"


def entry_name(kind: str, product_id: int) -> str:
    """Name of one document's entry."""
    return f"{_PREFIX}{kind}:{product_id}"
