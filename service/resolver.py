"""Host name resolution with a deadline: the system's own has none, and may take half a minute."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime

_lock = threading.Lock()
_under_way: dict[str, Future[list[str]]] = {}


def resolve(host: str, until: float) -> list[str]:
    """The IP addresses of ``host``, best first; an address is its own. ``until`` is a ``time.monotonic`` deadline.

    Raises TimeoutError if they are not known by then, OSError if there is no such host. Concurrent look-ups of one
    name share a thread, which outlives a timeout for the sake of later callers.
    """
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    with _lock:
        if (future := _under_way.get(host)) is None:
            future = _under_way[host] = Future()
            threading.Thread(target=_look_up, args=(host, future), name=f"resolving {host}", daemon=True).start()
    try:
        return future.result(max(0.0, until - time.monotonic()))
    except NotInTime:
        raise TimeoutError from None


def _look_up(host: str, future: Future[list[str]]) -> None:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        _end(host)
        future.set_exception(error if isinstance(error, OSError) else OSError(str(error)))
    else:
        _end(host)
        future.set_result(list(dict.fromkeys(str(address[0]) for *_, address in found)))


def _end(host: str) -> None:
    with _lock:
        del _under_way[host]
