"""Where nginx passes on what is not ours: the rest of the old API, which moves over one service at a time."""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from service.settings import SettingError

_RESOLV_CONF = Path("/etc/resolv.conf")


def values(url: str) -> dict[str, str | Sequence[str]]:
    """Give the values of the template that concern the old API, all empty without a URL.

    Raises SettingError unless it is the URL of a server, perhaps with a path, or nothing.
    """
    if not url:
        return {"OLD_API": "", "OLD_API_CA": "", "RESOLVERS": ""}
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and len(url.split()) == 1
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username is not None:
        raise SettingError("OLD_API must be like https://api.example/path")
    return {
        "OLD_API": url.rstrip("/"),
        "OLD_API_CA": _authorities() if parts.scheme == "https" else "",
        "RESOLVERS": " ".join(_name_servers()) if _is_name(parts.hostname or "") else "",
    }


def _authorities() -> str:
    if found := ssl.get_default_verify_paths().cafile:
        return found
    raise SettingError("OLD_API with https needs the authorities that sign certificates: set SSL_CERT_FILE")


def _is_name(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


def _name_servers() -> list[str]:
    text = _RESOLV_CONF.read_text(encoding="utf-8") if _RESOLV_CONF.exists() else ""
    found = re.findall(r"^nameserver\s+([0-9A-Fa-f.:]+)\s*$", text, re.MULTILINE)
    return [f"[{address}]" if ":" in address else address for address in found]
