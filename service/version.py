"""Which version of the service runs: the name that it was deployed under, or else a fingerprint of its code."""

from __future__ import annotations

import functools
from hashlib import blake2b
from pathlib import Path

_PACKAGE = Path(__file__).parent
_CODE = ("*.py", "*.sql", "*.lua")


@functools.cache
def fingerprint() -> str:
    """12 hexadecimal digits that depend on the files of this package alone."""
    digest = blake2b(digest_size=6)
    for path in sorted(path for pattern in _CODE for path in _PACKAGE.rglob(pattern)):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
