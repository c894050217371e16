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
import threading
import time
from datetime import UTC, datetime

request_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("request_id", default=None)

trace_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("trace_id", default=None)

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
    """Formats a record as JSON: time, level, logger, message, ids of request and trace, and the fields of ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, including an exception."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        ids = {"request_id": request_id.get(), "trace_id": trace_id.get()}
        line.update({name: value for name, value in ids.items() if value is not None})
        line.update({name: value for name, value in vars(record).items() if name not in _PLAIN})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class Limit:
    """Lets so many lines a second through; any thread may ask."""

    def __init__(self, most_a_second: int) -> None:
        self._most = most_a_second
        self._lock = threading.Lock()
        self._second = self._passed = self._suppressed = 0

    def suppressed(self) -> int | None:
        """How many lines were suppressed since the last one; None if this one is to be suppressed too."""
        second = int(time.monotonic())
        with self._lock:
            if second != self._second:
                self._second, self._passed = second, 0
            if self._passed == self._most:
                self._suppressed += 1
                return None
            self._passed += 1
            before, self._suppressed = self._suppressed, 0
            return before


def configure(level: str) -> None:
    """Send the service's own log lines, from ``level`` up, to standard error, and those of OpenTelemetry."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    for name in ("service", "opentelemetry"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False
