"""The address of Redis, and how to connect to it. The only module that imports redis-py, for its URLs."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Sequence
from copy import copy
from typing import Any

import hiredis
from redis.connection import SSLConnection, parse_url

from service.cache.redis_calls import Command
from service.cache.redis_connection import RedisConnection
from service.coroutines import block_on
from service.errors import RedisUnavailable
from service.resolver import resolve
from service.settings import SettingError

_KNOWN = {"host", "port", "db", "path", "username", "password", "connection_class"}
_KNOWN_OF_TLS = {"ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}

Address = tuple[str, int]


class RedisServer:
    """The Redis or Valkey at ``url``, in the form of redis-py: redis://, rediss:// or unix://.

    Raises SettingError for an invalid URL, or one with options that are not supported.
    """

    def __init__(self, url: str) -> None:
        try:
            self._options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
        except ValueError:
            raise SettingError("REDIS_URL is not a URL of the form redis://host:port/db") from None
        self._is_node = False
        self._tls = self._options.get("connection_class") is SSLConnection
        if unknown := sorted(self._options.keys() - _KNOWN - (_KNOWN_OF_TLS if self._tls else set())):
            raise SettingError(f"REDIS_URL has options that mean nothing here: {', '.join(unknown)}")

    def connect(self, until: float) -> RedisConnection:
        """An authenticated connection, blocking. Raises RedisUnavailable if there is none by ``until`` (monotonic).

        Raises it for a replica too, whose data may be older than its primary's.
        """
        asked: list[Command] = [("INFO", "server"), ("INFO", "replication"), ("TIME",)]
        asked += [("CLUSTER", "INFO")] if self._is_node else []
        connection, (server, replication, (seconds, microseconds), *cluster) = self._greeted(asked, until)
        epochs = [info_fields(said)[b"cluster_my_epoch"] for said in cluster]
        try:
            connection.server = b"/".join([_identity(info_fields(server), info_fields(replication)), *epochs])
        except RedisUnavailable:
            connection.close()
            raise
        connection.learn_clock(int(seconds) * 1_000_000 + int(microseconds))
        return connection

    def ask(self, *commands: Command, until: float) -> list[Any]:
        """Replies to commands, on a connection of their own, blocking; from a replica too. Raises RedisUnavailable."""
        connection, replies = self._greeted(commands, until)
        connection.close()
        return replies

    def at(self, host: str, port: int, **options: str | int | None) -> RedisServer:
        """Another server, with the same options but these."""
        other = copy(self)
        other._options = {**self._options, "host": host, "port": port, **options}
        return other

    def as_node(self) -> RedisServer:
        """The same server as a member of a cluster, whose identity has its epoch there too.

        The cluster gives a node a new epoch when it gets a slot from a node whose epoch is higher. A slot that comes
        back brings entries that it had here, whose tombstones another master may have lost meanwhile.
        """
        other = copy(self)
        other._is_node = True
        return other

    @property
    def address(self) -> Address:
        """Host and port."""
        return self._options.get("host", "localhost"), self._options.get("port", 6379)

    @property
    def database(self) -> int:
        """Number of the database."""
        return int(self._options.get("db", 0))

    def _greeted(self, commands: Sequence[Command], until: float) -> tuple[RedisConnection, list[Any]]:
        """A connection, and what the server replied to commands."""
        try:
            connected = self._connected(until)
        except OSError as error:
            raise RedisUnavailable from error
        connection = RedisConnection(connected)
        try:
            return connection, block_on(self._introduced(connection, commands, until))
        except BaseException:
            connection.close()
            raise

    def _connected(self, until: float) -> socket.socket:
        if path := self._options.get("path"):
            return _opened(socket.AF_UNIX, path, until)
        host, port = self.address
        failure: OSError = OSError()
        for address in resolve(host, until):
            try:
                plain = _opened(socket.AF_INET6 if ":" in address else socket.AF_INET, (address, port), until)
            except OSError as error:
                failure = error
            else:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return self._secured(plain, host, until) if self._tls else plain
        raise failure

    def _secured(self, plain: socket.socket, host: str, until: float) -> socket.socket:
        options = self._options
        context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"), capath=options.get("ssl_ca_path"))
        if options.get("ssl_cert_reqs") == "none":
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        elif "ssl_check_hostname" in options:
            context.check_hostname = bool(options["ssl_check_hostname"])
        if certificate := options.get("ssl_certfile"):
            context.load_cert_chain(certificate, options.get("ssl_keyfile"))
        plain.settimeout(_left(until))  # of the whole handshake
        try:
            return context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    async def _introduced(self, connection: RedisConnection, commands: Sequence[Command], until: float) -> list[Any]:
        """Replies to commands that follow the password."""
        first: list[Command] = []
        if password := self._options.get("password"):
            name = self._options.get("username")
            first.append(("AUTH", name, password) if name else ("AUTH", password))
        if self.database:
            first.append(("SELECT", self.database))
        await connection.send(*first, *commands, until=until)
        replies = [await connection.reply(until) for _ in (*first, *commands)]
        if any(isinstance(reply, hiredis.ReplyError) for reply in replies):
            raise RedisUnavailable
        return replies[len(first) :]


def servers_of(url: str, kind: str) -> tuple[list[RedisServer], str]:
    """The servers that a URL names, whose scheme is redis+``kind`` or rediss+``kind``, and its path.

    It is redis-py's with several of host:port, separated by commas. Raises SettingError.
    """
    scheme, _, rest = url.partition(f"+{kind}://")
    place, question, options = rest.partition("?")
    place, slash, path = place.partition("/")
    credentials, at, hosts = place.rpartition("@")
    named = [f"{scheme}://{credentials}{at}{host}/{question}{options}" for host in hosts.split(",")]
    return [RedisServer(each) for each in named], slash + path


def _opened(family: int, place: Any, until: float) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.settimeout(_left(until))
        opened.connect(place)
    except BaseException:
        opened.close()
        raise
    return opened


def _left(until: float) -> float:
    if (left := until - time.monotonic()) <= 0:
        raise TimeoutError
    return left


def info_fields(info: bytes) -> dict[bytes, bytes]:
    """What INFO says, by name."""
    return {name: value for name, _, value in (line.partition(b":") for line in info.split(b"\r\n"))}


def _identity(server: dict[bytes, bytes], replication: dict[bytes, bytes]) -> bytes:
    """The run id changes at each start, the replication id at each promotion; neither is in the data set."""
    if replication.get(b"role") != b"master":
        raise RedisUnavailable
    return b"%b/%b" % (server[b"run_id"], replication[b"master_replid"])
