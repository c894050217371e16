"""What the service says of itself: its OpenAPI document, and every problem that a caller can be told."""

import json
import re
from pathlib import Path

from service.errors import ServiceError

CHECKOUT = Path(__file__).parents[2]
API = json.loads((CHECKOUT / "service/web/openapi.json").read_text("utf-8"))
COMPONENTS = API["components"]
METHODS = ("get", "head", "post", "put", "delete")
OPERATIONS = [(path, name, item[name]) for path, item in API["paths"].items() for name in METHODS if name in item]


def resolved(part):
    """A part of the document; what stands beside a reference counts too."""
    if "$ref" not in part:
        return part
    found = API
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return resolved(found) | {name: value for name, value in part.items() if name != "$ref"}


def parts(within=API):
    """Every object of the document."""
    if isinstance(within, dict):
        yield within
    for part in within.values() if isinstance(within, dict) else within if isinstance(within, list) else ():
        yield from parts(part)


def fits(given, value):
    """Whether a value is as a schema says. A keyword that is not known here is an error: none is passed over."""
    schema = resolved(given)
    rules = [(*_KEYWORDS[keyword], limit) for keyword, limit in schema.items() if keyword not in _SAYS_NOTHING]
    return all(allows(limit, value, schema) for kind, allows, limit in rules if isinstance(value, kind))


def _is_one_of(types, value, schema):
    return type(value) in [_TYPES[name] for name in (types if isinstance(types, list) else [types])]


def _properties_fit(properties, value, schema):
    return all(fits(properties[name], value[name]) for name in properties.keys() & value.keys())


def _others_fit(given, value, schema):
    others = value.keys() - schema.get("properties", {}).keys()
    return all(given and fits(given, value[name]) for name in others)


_SAYS_NOTHING = {"description", "default", "example"}
_TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
# Which values a keyword is about, and what it allows them.
_KEYWORDS = {
    "type": (object, _is_one_of),
    "enum": (object, lambda these, value, schema: value in these),
    "const": (object, lambda this, value, schema: value == this),
    "pattern": (str, lambda pattern, value, schema: re.search(pattern, value)),
    "minimum": (int, lambda least, value, schema: value >= least),
    "maximum": (int, lambda most, value, schema: value <= most),
    "items": (list, lambda given, value, schema: all(fits(given, item) for item in value)),
    "minItems": (list, lambda least, value, schema: len(value) >= least),
    "maxItems": (list, lambda most, value, schema: len(value) <= most),
    "minProperties": (dict, lambda least, value, schema: len(value) >= least),
    "propertyNames": (dict, lambda given, value, schema: all(fits(given, name) for name in value)),
    "required": (dict, lambda names, value, schema: value.keys() >= set(names)),
    "properties": (dict, _properties_fit),
    "additionalProperties": (dict, _others_fit),
}


def service_problems(error=ServiceError):
    """Codes with the errors of the service; of those that share a code, the most general."""
    codes = {}
    for kind in error.__subclasses__():
        codes = service_problems(kind) | codes
    return codes | {error.code: error}


def nginx_problems():
    """Codes with the bodies that nginx sends by itself."""
    template = (CHECKOUT / "nginx.conf.template").read_text("utf-8")
    bodies = [json.loads(body) for body in re.findall(r"""return \d+ '({"type".*})'""", template)]
    return {body["type"].removeprefix("/docs#"): body for body in bodies}
