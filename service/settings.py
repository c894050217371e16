"""Every setting of the service, each declared once: name, type, default, meaning, secret or not.

``python -m service.settings`` prints them as the table that README.md shows.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from service.environment import SettingError, text_of

__all__ = ["SettingError", "Settings", "database_url", "table", "texts"]


_DAY, _MONTH = 86_400, 30 * 86_400
_SHORTEST_SECRET = 16


def _setting(
    meaning: str,
    default: Any = dataclasses.MISSING,
    *,
    secret: bool = False,
    at_least: float = 0,
    at_most: float = inf,
) -> Any:
    metadata = {"meaning": meaning, "secret": secret, "at_least": at_least, "at_most": at_most}
    return dataclasses.field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """What an instance, the loader, the migrations and the nginx template take from outside.

    The environment variable of a field is its name in capitals; a secret may be in the file that this with ``_FILE``
    names. Fields without a default must be set.
    """

    database_url: str = _setting("Postgres, as a libpq URL", secret=True)
    redis_url: str = _setting(
        "Redis or Valkey, as redis://host:port/db; redis+cluster://host:port,host:port for a cluster, "
        "redis+sentinel://host:port,host:port/name/db for a Sentinel group",
        secret=True,
    )
    cart_secret: str = _setting(
        "keys of cart tokens, separated by commas: the first signs, all open",
        secret=True,
        at_least=_SHORTEST_SECRET,
    )
    database_read_url: str = _setting(
        "replicas of Postgres, as a libpq URL of one or several hosts, that take reads of the catalogue; without it "
        "the primary does",
        "",
        secret=True,
    )
    cart_by_authorization: bool = _setting(
        "a caller without a cart token is known by its Authorization header, as by the old API", False
    )
    cors_origins: str = _setting("origins whose pages may send credentials, separated by commas", "")
    cart_max_lines: int = _setting("different skus one cart can hold", 100, at_least=1, at_most=10_000)
    cart_max_items: int = _setting("items of one sku that a cart can hold", 99, at_least=1, at_most=2**31 - 1)
    cart_days: int = _setting("days after which a cart that nobody changed is deleted", 30, at_least=1, at_most=3_650)
    postgres_connections: int = _setting(
        "connections of an instance to Postgres: half for Flask, a quarter for carts",
        8,
        at_least=2,
        at_most=100,
    )
    postgres_timeout_seconds: float = _setting(
        "deadline of one call to Postgres, waiting included", 2.0, at_least=0.01, at_most=60
    )
    postgres_pooler: bool = _setting(
        "Postgres is behind a pooler of transactions, such as pgbouncer: nothing is prepared or set for a session",
        False,
    )
    redis_timeout_seconds: float = _setting("deadline of one call to Redis", 0.1, at_least=0.001, at_most=10)
    cache_fresh_seconds: float = _setting(
        "age at which an entry is refreshed in the background", 300.0, at_least=1, at_most=_MONTH
    )
    cache_keep_seconds: int = _setting("age at which Redis drops an entry", _DAY, at_least=60, at_most=_MONTH)
    cache_missing_seconds: int = _setting(
        "how long a product that does not exist is remembered", 10, at_least=1, at_most=_DAY
    )
    cache_shadow_percent: float = _setting(
        "share of hits that are verified against Postgres in the background", 0.0, at_most=100
    )
    threads: int = _setting("requests that one instance works on at once", 8, at_least=1, at_most=256)
    max_body_bytes: int = _setting("largest request body, here and in nginx", 16384, at_least=1, at_most=2**20)
    listen: str = _setting("address that nginx listens on", "127.0.0.1:8080")
    listen_tls: str = _setting("address of nginx's https listener, where there is a certificate", "127.0.0.1:8443")
    tls_certificate: str = _setting("file of nginx's certificate and those above it; with it there is https", "")
    tls_key: str = _setting("file of the certificate's key", "")
    trusted_proxies: str = _setting(
        "addresses or networks, separated by commas, that nginx believes X-Forwarded-For and -Proto", ""
    )
    forwarded_allow_ips: str = _setting(
        "addresses or networks of nginx, separated by commas, that the instances believe X-Forwarded-Proto; "
        "at a Unix socket they believe it always",
        "127.0.0.1",
    )
    base_path: str = _setting("prefix that nginx takes from paths, such as /api/shop; without it they work too", "")
    old_api: str = _setting("base URL to which nginx passes on every path that is not of this service", "")
    rate: int = _setting(
        "requests a second that nginx takes from one client, by its address; 0 for any number", 500, at_most=1_000_000
    )
    cart_rate: int = _setting(
        "writes a second that nginx takes for one cart, and half as many from one client without a cart; "
        "0 for any number",
        20,
        at_most=1_000_000,
    )
    instances: str = _setting(
        "addresses of the instances, host:port or unix:/path, separated by commas", "127.0.0.1:8001,127.0.0.1:8002"
    )
    slow_seconds: float = _setting(
        "a request that takes longer is logged, with where its time went", 0.5, at_least=0.001, at_most=60
    )
    micro_cache: bool = _setting("nginx answers hot keys itself for up to two seconds", False)
    nginx_access_log: str = _setting("where nginx writes its access log; off for none", "access.log")
    demo: bool = _setting("serves /demo/{id}, a product page that shows front-end developers the whole API", False)
    operations: str = _setting("address of the operators' page", "127.0.0.1:8081")
    version: str = _setting(
        "name of the deployed version, shown to operators; a fingerprint of the code without it", ""
    )
    log_level: str = _setting("least severe log lines written: DEBUG, INFO, WARNING or ERROR", "INFO")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings from environment variables.

        Raises SettingError naming every variable that is missing, or the first that has a wrong value.
        """
        given, fields = texts(environ), {field.name.upper(): field for field in dataclasses.fields(cls)}
        missing = [name for name, f in fields.items() if name not in given and f.default is dataclasses.MISSING]
        if missing:
            raise SettingError(f"set {', '.join(missing)}")
        return cls(**{fields[name].name: _parse(fields[name], text) for name, text in given.items()})

    def addresses(self) -> list[str]:
        """The addresses of all instances."""
        return [address.strip() for address in self.instances.split(",")]

    def cart_secrets(self) -> list[str]:
        """The keys of cart tokens: the first signs, all open. Raises SettingError for a short one."""
        secrets = [secret.strip() for secret in self.cart_secret.split(",")]
        if any(len(secret) < _SHORTEST_SECRET for secret in secrets):
            raise SettingError(f"each key in CART_SECRET must have at least {_SHORTEST_SECRET} characters")
        return secrets

    def masked(self) -> dict[str, Any]:
        """Name and value of every setting, fit for a log: secrets as ``***``."""
        return {f.name: "***" if f.metadata["secret"] else getattr(self, f.name) for f in dataclasses.fields(self)}


def database_url(environ: Mapping[str, str] = os.environ) -> str:
    """Read the one setting that migrating and loading need. Raises SettingError if it is missing or empty."""
    if url := _text(Settings.__dataclass_fields__["database_url"], environ):
        return url
    raise SettingError("set DATABASE_URL")


def texts(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what is set, by variable, as it is written. Raises SettingError as ``text_of``."""
    found = ((field.name.upper(), _text(field, environ)) for field in dataclasses.fields(Settings))
    return {name: text for name, text in found if text is not None}


def _text(field: dataclasses.Field[Any], environ: Mapping[str, str]) -> str | None:
    return text_of(field.name.upper(), environ, may_be_file=field.metadata["secret"])


_TRUTH = {"1": True, "on": True, "true": True, "yes": True, "0": False, "off": False, "false": False, "no": False}
_PARSERS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": lambda text: _TRUTH[text.strip().lower()],
}


def _parse(field: dataclasses.Field[Any], text: str) -> Any:
    try:
        return _PARSERS[str(field.type)](text)
    except (ValueError, KeyError):
        shown = "this value" if field.metadata["secret"] else repr(text)
        raise SettingError(f"{field.name.upper()} takes {field.type}, not {shown}") from None


def _check(field: dataclasses.Field[Any], value: Any) -> None:
    name, least, most = field.name.upper(), field.metadata["at_least"], field.metadata["at_most"]
    if isinstance(value, str) and value != field.default and len(value) < max(least, 1):
        raise SettingError(f"{name} must " + (f"have at least {least} characters" if value else "not be empty"))
    if isinstance(value, float | int) and not isinstance(value, bool) and not least <= value <= most:
        raise SettingError(f"{name} must be at " + (f"most {most:g}" if value > most else f"least {least:g}"))


def table() -> str:
    """All settings as a Markdown table."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for field in dataclasses.fields(Settings):
        default = "required" if field.default is dataclasses.MISSING else field.default != "" and f"`{field.default}`"
        secret = " (secret)" if field.metadata["secret"] else ""
        rows.append(f"| `{field.name.upper()}` | {default or ''} | {field.metadata['meaning']}{secret} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())  # noqa: T201
