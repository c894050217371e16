"""Variables of the environment, and secrets in files: Docker, Kubernetes and systemd hand those over so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


class SettingError(ValueError):
    """A setting is missing or has a value that cannot be used; the message names it, never a secret's value."""


def text_of(name: str, environ: Mapping[str, str], *, may_be_file: bool) -> str | None:
    """Return the value of ``name``, or of the file that ``name`` with ``_FILE`` names, without the newline at its end.

    None if neither is set. Raises SettingError if both are, and for a file that is no text or cannot be read.
    """
    file = f"{name}_FILE"
    if not may_be_file or file not in environ:
        return environ.get(name)
    if name in environ:
        raise SettingError(f"set {name} or {file}, not both")
    try:
        return Path(environ[file]).read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, ValueError) as error:  # their own words may have the content, or a secret taken for a path
        reason = error.strerror if isinstance(error, OSError) else "no text in UTF-8"
        raise SettingError(f"the file that {file} names cannot be read: {reason}") from None
