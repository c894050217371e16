"""The configuration of nginx, rendered from ``nginx.conf.template``: ``python -m service.nginx_conf`` prints it."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from service import old_api
from service.settings import SettingError, Settings

TEMPLATE = Path(__file__).parent.parent / "nginx.conf.template"

_PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_IF = re.compile(r"^ *#if (not )?([A-Z][A-Z0-9_]*)$", re.MULTILINE)
_ENDIF = re.compile(r"^ *#endif$")
_BASE_PATH = re.compile(r"(/[A-Za-z0-9_-]+)+")
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
_BREAKS_OUT = re.compile(r"[\n\r;{}\"'\\$#]")

Values = Mapping[str, str | Sequence[str]]


def render(template: str, values: Values) -> str:
    """Fill in every ``${NAME}`` outside comments; a line whose value is a sequence is written once per item.

    What stands between ``#if NAME`` and ``#endif`` is left out if the value is empty; with ``#if not``, if not.

    Raises SettingError with the name: of a placeholder without a value, of a value without a placeholder, of a value
    that is empty without such a choice or has a character with a meaning in nginx's grammar.
    """
    names = set(_PLACEHOLDER.findall(_COMMENT.sub("", template))) | {name for _, name in _IF.findall(template)}
    if odd := sorted(names ^ values.keys()):
        raise SettingError(f"template and values differ in {', '.join(odd)}")
    chosen = "".join(_chosen(template, values))
    used = set(_PLACEHOLDER.findall(_COMMENT.sub("", chosen)))
    for name, value in values.items():
        _check(name, value if value or name in used else "unused")
    return "".join(_fill(line, values) for line in chosen.splitlines(keepends=True))


def _check(name: str, value: str | Sequence[str]) -> None:
    items = [value] if isinstance(value, str) else value
    if not items or any(not item or _BREAKS_OUT.search(item) for item in items):
        raise SettingError(f"{name} is empty or has a character that nginx would not read as part of the value")


def _chosen(template: str, values: Values) -> Iterator[str]:
    holds: list[bool] = []
    for line in template.splitlines(keepends=True):
        if found := _IF.match(line):
            holds.append(bool(values[found[2]]) != bool(found[1]))
        elif _ENDIF.match(line):
            holds.pop()
        elif all(holds):
            yield line


def _fill(line: str, values: Values) -> str:
    found = _PLACEHOLDER.search(line)
    if not found or _COMMENT.match(line):
        return line
    value = values[found[1]]
    items = [value] if isinstance(value, str) else value
    rest = {name: each for name, each in values.items() if name != found[1]}
    return "".join(_fill(line.replace(found[0], item), rest) for item in items)


def values(settings: Settings, *, http2_directive: bool = True) -> dict[str, str | Sequence[str]]:
    """Give the value of every placeholder of the template, for an nginx that knows ``http2`` as a directive or not.

    Raises SettingError for addresses and paths that are more than one word, and for what nginx could not use.
    """
    log = settings.nginx_access_log
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise SettingError("TLS_CERTIFICATE and TLS_KEY are set both or not at all")
    return {
        "LISTEN": _word("LISTEN", settings.listen),
        "LISTEN_TLS": _word("LISTEN_TLS", settings.listen_tls),
        "TLS_CERTIFICATE": settings.tls_certificate and _word("TLS_CERTIFICATE", settings.tls_certificate),
        "TLS_KEY": settings.tls_key and _word("TLS_KEY", settings.tls_key),
        "HTTP2_DIRECTIVE": "on" if http2_directive else "",
        "INSTANCES": [_word("INSTANCES", address) for address in settings.addresses()],
        "TRUSTED_PROXIES": networks("TRUSTED_PROXIES", settings.trusted_proxies),
        "BASE_PATH": _base_path(settings.base_path),
        **old_api.values(settings.old_api),
        **_rates(settings),
        "MAX_BODY_BYTES": str(settings.max_body_bytes),
        "DEMO": "on" if settings.demo else "",
        "MICRO_CACHE": "on" if settings.micro_cache else "",
        "NGINX_ACCESS_LOG": log if log == "off" else f"{_word('NGINX_ACCESS_LOG', log)} requests buffer=256k flush=1s",
    }


def _rates(settings: Settings) -> dict[str, str]:
    """Bursts are worth two seconds; the one of new carts four, as many people may share an address."""
    of_client, of_cart = settings.rate, settings.cart_rate
    values = {
        "RATE": of_client,
        "RATE_BURST": 2 * of_client,
        "CART_RATE": of_cart,
        "NEW_CART_RATE": of_cart and max(1, of_cart // 2),
        "CART_BURST": 2 * of_cart,
    }
    return {name: str(value or "") for name, value in values.items()}


def networks(name: str, text: str) -> list[str]:
    """Parse the addresses and networks of a setting, separated by commas. Raises SettingError for anything else."""
    try:
        found = [str(ipaddress.ip_network(part.strip(), strict=False)) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise SettingError(f"{name} takes addresses and networks, separated by commas: {error}") from None
    return list(dict.fromkeys(found))


def _base_path(text: str) -> str:
    path = text.rstrip("/")
    if path and not _BASE_PATH.fullmatch(path):
        raise SettingError(f"BASE_PATH must be like /api/shop, of letters, digits, '_' and '-', not {text!r}")
    return path


def _word(name: str, value: str) -> str:
    if len(value.split()) != 1:
        raise SettingError(f"{name} must be one word, or words separated by commas where it takes several")
    return value


def has_http2_directive(program: str | Path) -> bool:
    """Whether it has the directive; nginx before 1.25.1 has a parameter of ``listen``, which later ones warn of."""
    said = subprocess.run([program, "-v"], capture_output=True, text=True, timeout=10, check=True).stderr  # noqa: S603
    found = re.search(r"/(\d+)\.(\d+)\.(\d+)", said)
    return found is None or tuple(map(int, found.groups())) >= (1, 25, 1)


def main() -> None:
    """Print the configuration for the nginx that NGINX names or that is on PATH, or else for a new one."""
    program = os.environ.get("NGINX") or shutil.which("nginx")
    found = values(Settings.from_env(), http2_directive=program is None or has_http2_directive(program))
    sys.stdout.write(render(TEMPLATE.read_text(encoding="utf-8"), found))


if __name__ == "__main__":
    main()
