"""The hosts of a libpq URL, tried one after the other.

libpq itself has no timeout per host where it connects asynchronously, and resolves names without a deadline.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn

from service.postgres.connection import LOST, Connection
from service.resolver import resolve
from service.settings import SettingError


def each_server(url: str, setting: str) -> dict[str, str]:
    """A URL for each of its hosts, by ``host:port``.

    Raises SettingError, which names the ``setting``, for an invalid one.
    """
    parsed = _parsed(url, setting)
    return {_address(place): make_dsn(**{**parsed, **place}) for place in _places(parsed, setting)}


class Servers:
    """The servers at ``url``; ``name`` and the settings of ``session`` are those of each session.

    With several hosts, ``target_session_attrs`` selects among them. A standby is refused: it lags behind its primary
    and takes no writes; or anything else is, where these ``are_replicas``; or nothing, where that is None. A pooler
    (``is_pooled``) does not report it.
    Raises SettingError for an invalid URL.
    """

    def __init__(
        self,
        url: str,
        name: str,
        session: Mapping[str, str],
        *,
        is_pooled: bool = False,
        are_replicas: bool | None = False,
    ) -> None:
        parsed = _parsed(url, "DATABASE_URL")
        self._are_replicas = are_replicas
        self._parameters = {**parsed, "application_name": name}
        self._session, self._is_pooled = session, is_pooled
        self._must_write = parsed.get("target_session_attrs") == "read-write"
        self._places = _places(parsed, "DATABASE_URL")
        self._last_good = 0

    def connect(self, until: float) -> Connection:
        """A connection to the host of the last one, or else to the first that accepts one and is usable.

        Each has an equal share of the remaining time, so that a silent one leaves some for the others.
        Raises one of ``LOST``.
        """
        failure: BaseException = OSError()
        count = len(self._places)
        for left, number in zip(range(count, 0, -1), range(self._last_good, self._last_good + count), strict=True):
            place = self._places[number % count]
            try:
                connection = self._connect(place, _share(until, left))
            except LOST as error:
                failure = error
                continue
            if self.will_do(connection):
                self._last_good = number % count
                return connection
            connection.close()
        raise failure

    def will_do(self, connection: Connection) -> bool:
        """Whether a connection is to a primary, and a writable one if it must be, by the server's last report.

        Of replicas, whether it is not to a primary.
        """
        if self._are_replicas is None:
            return True
        says = connection.get_parameter_status  # Postgres 14 and later report both
        if self._are_replicas:
            return says("in_hot_standby") != "off"
        is_read_only = self._must_write and says("default_transaction_read_only") == "on"
        return not is_read_only and says("in_hot_standby") != "on"

    def _connect(self, place: dict[str, str], until: float) -> Connection:
        failure: BaseException = OSError()
        addresses = list(_addresses(place, until))
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                parameters = {**self._parameters, **place, **address}
                return Connection.connect(_share(until, left), self._session, is_pooled=self._is_pooled, **parameters)
            except LOST as error:
                failure = error
        raise failure


def _share(until: float, count: int) -> float:
    now = time.monotonic()
    return now + (until - now) / count


def _parsed(url: str, setting: str) -> dict[str, Any]:
    try:
        return dict(parse_dsn(url))
    except psycopg2.ProgrammingError:
        raise SettingError(f"{setting} is not a URL that libpq knows") from None


def _places(parsed: dict[str, Any], setting: str) -> list[dict[str, str]]:
    """Parameters of libpq per host: one value applies to all hosts; without any, libpq's environment does."""
    lists = {name: str(parsed[name]).split(",") for name in ("host", "hostaddr", "port") if name in parsed}
    count = max(map(len, lists.values()), default=1)
    if any(len(values) not in (1, count) for values in lists.values()):
        raise SettingError(f"{setting} has another number of ports than of hosts")
    return [{name: values[index % len(values)] for name, values in lists.items()} for index in range(count)]


def _address(place: Mapping[str, str]) -> str:
    return f"{place.get('host') or place.get('hostaddr') or 'localhost'}:{place.get('port') or 5432}"


def _addresses(place: dict[str, str], until: float) -> Iterator[dict[str, str]]:
    host = place.get("host", "")
    if not host or host.startswith(("/", "@")) or place.get("hostaddr"):
        yield {}  # nothing to resolve
    else:
        yield from ({"hostaddr": address} for address in resolve(host, until))
