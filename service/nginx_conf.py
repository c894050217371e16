"""The configuration of nginx, rendered from ``nginx.conf.template``: ``python -m service.nginx_conf`` prints it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from service.settings import SettingError, Settings

TEMPLATE = Path(__file__).parent.parent / "nginx.conf.template"

_PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
_BREAKS_OUT = re.compile(r"[\n\r;{}\"'\\$#]")


def render(template: str, values: Mapping[str, str | Sequence[str]]) -> str:
    """Fill in every ``${NAME}`` outside comments; a line whose value is a sequence is written once per item.

    Raises SettingError with the name: of a placeholder without a value, of a value without a placeholder, of a value
    that is empty or has a character with a meaning in nginx's grammar.
    """
    names = set(_PLACEHOLDER.findall(_COMMENT.sub("", template)))
    if odd := sorted(names ^ values.keys()):
        raise SettingError(f"template and values differ in {', '.join(odd)}")
    for name, value in values.items():
        _check(name, value)
    return "".join(_fill(line, values) for line in template.splitlines(keepends=True))


def _check(name: str, value: str | Sequence[str]) -> None:
    items = [value] if isinstance(value, str) else value
    if not items or any(not item or _BREAKS_OUT.search(item) for item in items):
        raise SettingError(f"{name} is empty or has a character that nginx would not read as part of the value")


def _fill(line: str, values: Mapping[str, str | Sequence[str]]) -> str:
    found = _PLACEHOLDER.search(line)
    if not found or _COMMENT.match(line):
        return line
    value = values[found[1]]
    items = [value] if isinstance(value, str) else value
    rest = {name: each for name, each in values.items() if name != found[1]}
    return "".join(_fill(line.replace(found[0], item), rest) for item in items)


def values(settings: Settings) -> dict[str, str | Sequence[str]]:
    """Give the value of every placeholder of the template.

    Raises SettingError for addresses and paths that are more than one word.
    """
    log = settings.nginx_access_log
    return {
        "LISTEN": _word("LISTEN", settings.listen),
        "INSTANCES": [_word("INSTANCES", address) for address in settings.addresses()],
        "MAX_BODY_BYTES": str(settings.max_body_bytes),
        "MICRO_CACHE": "products" if settings.micro_cache else "off",
        "NGINX_ACCESS_LOG": log if log == "off" else f"{_word('NGINX_ACCESS_LOG', log)} requests buffer=32k flush=1s",
    }


def _word(name: str, value: str) -> str:
    if len(value.split()) != 1:
        raise SettingError(f"{name} must be one word, or words separated by commas where it takes several")
    return value


if __name__ == "__main__":
    sys.stdout.write(render(TEMPLATE.read_text(encoding="utf-8"), values(Settings.from_env())))
