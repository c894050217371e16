"""Logging: one JSON object per line on standard error, with the id of the request."""

from __future__ import annotations

import contextvars
import functools
import itertools
import json
import logging
import re
import secrets
import sys
from datetime import UTC, datetime

request_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("request_id", default=None)

ACCEPTED = r"[A-Za-z0-9._-]{8,64}"
"""Request ids accepted from clients: safe in a header and in a log."""

_accepted = re.compile(ACCEPTED, re.ASCII)
_numbers = itertools.count()

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def request_id_for(given: str) -> str:
    """The client's own id for a request if it is ACCEPTED, else a new one."""
    return given if _accepted.fullmatch(given) else new_request_id().decode()


def new_request_id() -> bytes:
    """32 unique hexadecimal digits: 16 of this process, 16 of this request."""
    return b"%b%016x" % (_process_id(), next(_numbers))


@functools.cache
def _process_id() -> bytes:
    return secrets.token_hex(8).encode()


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON: time, level, logger, message, request id, and the fields of ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, including an exception."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (current := request_id.get()) is not None:
            line["request_id"] = current
        line.update({name: value for name, value in vars(record).items() if name not in _PLAIN})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(level: str) -> None:
    """Send the service's own log lines, from ``level`` up, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("service")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
