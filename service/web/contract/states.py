"""Schemas of how the service says it is."""

from __future__ import annotations

from marshmallow import fields
from marshmallow.validate import Equal, OneOf

from service.web.contract.bodies import Body


class Liveness(Body):
    """The process responds."""

    status = fields.String(validate=Equal("ok"))


class Dependencies(Body):
    """The state of each dependency; Redis is bypassed while it responds but has not caught up."""

    postgres = fields.String(validate=OneOf(("ok", "down")))
    redis = fields.String(validate=OneOf(("ok", "down", "bypassed")))


class Breakers(Body):
    """While open, reads bypass that store; it closes with the first read after the store has recovered."""

    redis = fields.String(validate=OneOf(("open", "closed")))


class Readiness(Body):
    """How the service is."""

    status = fields.String(validate=OneOf(("ok", "degraded", "unavailable")))
    parts = fields.Nested(Dependencies)
    breakers = fields.Nested(Breakers)
