"""A Redis whose address Sentinels know: each new connection is to the master of that moment."""

from __future__ import annotations

import time
from contextlib import suppress

from service.cache.redis_connection import RedisConnection
from service.cache.redis_server import servers_of
from service.errors import RedisUnavailable
from service.settings import SettingError


class SentinelServer:
    """The master of the service that ``url`` names after the Sentinels, which take no password: its is the master's.

    Raises SettingError for an invalid URL.
    """

    def __init__(self, url: str) -> None:
        named, path = servers_of(url, "sentinel")
        service, _, database = path.removeprefix("/").partition("/")
        if not service or not (database or "0").isdecimal():
            raise SettingError("REDIS_URL is not a URL of the form redis+sentinel://host:port,host:port/service/db")
        self._service = service
        self._sentinels = [one.at(*one.address, username=None, password=None) for one in named]
        self._master = named[0].at(*named[0].address, db=int(database or "0"))

    def connect(self, until: float) -> RedisConnection:
        """As RedisServer's, to the master that the first Sentinel names which answers; one that is none is refused."""
        for place, sentinel in enumerate(list(self._sentinels)):
            left = until - time.monotonic()
            share = time.monotonic() + left / (len(self._sentinels) - place + 1)
            with suppress(RedisUnavailable):
                (found,) = sentinel.ask(("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service), until=share)
                if found is not None:
                    host, port = found
                    connection = self._master.at(host.decode(), int(port)).connect(until)
                    self._sentinels = [sentinel, *(one for one in self._sentinels if one is not sentinel)]
                    return connection
        raise RedisUnavailable
