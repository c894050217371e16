"""The configuration of nginx, rendered from ``nginx.conf.template``: ``python -m service.nginx_conf`` prints it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from service.settings import SettingError, Settings

TEMPLATE = Path(__file__).parent.parent / "nginx.conf.template"

_PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_SECTION = re.compile(r"^ *#if (not )?([A-Z][A-Z0-9_]*)\n(.*?)^ *#endif\n", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
_BREAKS_OUT = re.compile(r"[\n\r;{}\"'\\$#]")

Values = Mapping[str, str | Sequence[str]]


def render(template: str, values: Values) -> str:
    """Fill in every ``${NAME}`` outside comments; a line whose value is a sequence is written once per item.

    What stands between ``#if NAME`` and ``#endif`` is left out if the value is empty; with ``#if not``, if not.

    Raises SettingError with the name: of a placeholder without a value, of a value without a placeholder, of a value
    that is empty without such a choice or has a character with a meaning in nginx's grammar.
    """
    optional = {name for _, name, _ in _SECTION.findall(template)}
    names = set(_PLACEHOLDER.findall(_COMMENT.sub("", template))) | optional
    if odd := sorted(names ^ values.keys()):
        raise SettingError(f"template and values differ in {', '.join(odd)}")
    for name, value in values.items():
        if value or name not in optional:
            _check(name, value)
    chosen = _SECTION.sub(lambda found: found[3] if bool(values[found[2]]) != bool(found[1]) else "", template)
    return "".join(_fill(line, values) for line in chosen.splitlines(keepends=True))


def _check(name: str, value: str | Sequence[str]) -> None:
    items = [value] if isinstance(value, str) else value
    if not items or any(not item or _BREAKS_OUT.search(item) for item in items):
        raise SettingError(f"{name} is empty or has a character that nginx would not read as part of the value")


def _fill(line: str, values: Values) -> str:
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
        "MICRO_CACHE": "on" if settings.micro_cache else "",
        "NGINX_ACCESS_LOG": log if log == "off" else f"{_word('NGINX_ACCESS_LOG', log)} requests buffer=32k flush=1s",
    }


def _word(name: str, value: str) -> str:
    if len(value.split()) != 1:
        raise SettingError(f"{name} must be one word, or words separated by commas where it takes several")
    return value


if __name__ == "__main__":
    sys.stdout.write(render(TEMPLATE.read_text(encoding="utf-8"), values(Settings.from_env())))
