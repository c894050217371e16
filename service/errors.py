"""The errors of the service. Each class has a code and a status; its docstring is the detail in the response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class ServiceError(Exception):
    """Something went wrong here."""

    code = "internal"
    status = 500
    retry_after_seconds: int | None = None
    is_replayed = False
    """Whether it repeats the answer to an earlier request with the same Idempotency-Key."""

    def __init__(self, detail: str | None = None, errors: Mapping[str, Sequence[str]] | None = None) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.errors = errors or {}
        super().__init__(self.detail)

    @property
    def title(self) -> str:
        """The code in words."""
        return self.code.replace("-", " ").capitalize()


class Malformed(ServiceError):
    """The request has a part that cannot be understood."""

    code = "malformed"
    status = 400


class CrossSite(ServiceError):
    """A page of another site cannot change the cart of this site's cookie."""

    code = "cross-site"
    status = 403


class NotFound(ServiceError):
    """There is nothing at this path."""

    code = "not-found"
    status = 404


class UnknownProduct(NotFound):
    """There is no product with this id."""

    code = "unknown-product"


class MethodNotAllowed(ServiceError):
    """This path does not take this method."""

    code = "method-not-allowed"
    status = 405


class RequestTimeout(ServiceError):
    """The request took too long to arrive."""

    code = "timeout"
    status = 408


class TooLarge(ServiceError):
    """The request is larger than this service reads."""

    code = "too-large"
    status = 413


class UriTooLong(ServiceError):
    """The address is longer than this service reads."""

    code = "uri-too-long"
    status = 414


class UnsupportedMediaType(ServiceError):
    """The body must be application/json."""

    code = "unsupported-media-type"
    status = 415


class ExpectationFailed(ServiceError):
    """This service meets no expectation but 100-continue."""

    code = "expectation-failed"
    status = 417


class Impossible(ServiceError):
    """The request is well-formed but cannot be carried out."""

    code = "impossible"
    status = 422


class UnknownSku(Impossible):
    """There is no sku with this id."""

    code = "unknown-sku"


class TooManyLines(Impossible):
    """The cart cannot hold more different skus."""

    code = "too-many-lines"


class TooManyItems(Impossible):
    """The cart cannot hold more items of this sku."""

    code = "too-many-items"


class KeyReused(Impossible):
    """The same Idempotency-Key came with another body."""

    code = "key-reused"


class KeyUnderWay(ServiceError):
    """The first request with this Idempotency-Key is still under way; try again shortly."""

    code = "key-under-way"
    status = 409
    retry_after_seconds = 1


class TooManyRequests(ServiceError):
    """More requests came than one client or one cart may make; try again shortly."""

    code = "too-many-requests"
    status = 429
    retry_after_seconds = 1


class HeadersTooLarge(ServiceError):
    """The headers are larger than this service reads."""

    code = "headers-too-large"
    status = 431


class UnsupportedTransferCoding(ServiceError):
    """The body's transfer coding must be chunked."""

    code = "unsupported-transfer-coding"
    status = 501


class Unavailable(ServiceError):
    """A part that this answer needs is not available; try again shortly."""

    code = "unavailable"
    status = 503
    retry_after_seconds = 1


class PostgresUnavailable(Unavailable):
    """The database is not available; try again shortly."""


class LockTimeout(PostgresUnavailable):
    """Another client of the database holds what this needs; try again shortly."""


class PoolExhausted(PostgresUnavailable):
    """Every connection to the database is in use; try again shortly."""


class ReplicaBehind(PostgresUnavailable):
    """The replica has yet to replay what it has to know; try again shortly."""


class RedisUnavailable(Unavailable):
    """The cache is not available."""


class PartlyUnavailable(RedisUnavailable):
    """A part of the cache is not available; the others have taken what was written."""
