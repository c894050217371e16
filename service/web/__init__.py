"""HTTP: blueprints, request validation, one builder of headers, errors as problem+json."""

from __future__ import annotations

from typing import cast

from flask import current_app

from service.resources import Resources

EXTENSION = "overview"


def resources() -> Resources:
    """The dependencies of the running application."""
    return cast(Resources, current_app.extensions[EXTENSION])
