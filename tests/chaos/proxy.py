"""A TCP proxy that can be as bad as a network: slow, silent, or cut."""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Coroutine

_ORDER_SECONDS = 5.0  # for the proxy to do as it is told
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close by RST and drop what was not sent


class FaultProxy:
    """Forwards ``host:port`` to ``upstream`` (host:port). All of its connections suffer the same fault.

    With ``tls`` its clients speak TLS, and upstream does not.
    """

    def __init__(self, port: int, upstream: str, host: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None) -> None:
        self._host, self._port, self._upstream, self._tls = host, port, upstream.rpartition(":"), tls
        self.address = f"{host}:{port}"
        self._latency_seconds = 0.0
        self._drip_seconds = 0.0
        self._open: set[asyncio.StreamWriter] = set()

    def start(self) -> None:
        """Listen."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy {self.address}")
        self._thread.start()
        self._do(self._start())

    def stop(self) -> None:
        """Drop every connection and end."""
        self.cut()
        self._do(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ORDER_SECONDS)
        self._loop.close()

    def delay(self, seconds: float) -> None:
        """Whatever passes, in either direction, arrives so much later."""
        self._latency_seconds = seconds

    def drip(self, seconds: float) -> None:
        """What comes from upstream passes byte by byte, one each so many ``seconds``."""
        self._drip_seconds = seconds

    def halve(self) -> None:
        """Of what comes from upstream the first half passes, less than the whole, the rest after ``heal``."""
        self._do(self._halve())

    def black_hole(self) -> None:
        """Nothing passes and nothing ends. What is sent meanwhile arrives after ``heal``, as TCP would repeat it."""
        self._do(self._pass(False))

    def cut(self) -> None:
        """Reset every connection, refuse new ones."""
        self._do(self._cut())

    def heal(self) -> None:
        """Forward again, at once. What drips on a connection ends with it."""
        self._latency_seconds = self._drip_seconds = 0.0
        self._do(self._heal())

    def _do(self, order: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(order, self._loop).result(_ORDER_SECONDS)

    async def _start(self) -> None:
        self._passable = asyncio.Event()
        self._whole = asyncio.Event()
        for each in (self._passable, self._whole):
            each.set()
        await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, self._host, self._port, ssl=self._tls)

    async def _pass(self, passing: bool) -> None:
        (self._passable.set if passing else self._passable.clear)()

    async def _halve(self) -> None:
        self._whole.clear()

    async def _cut(self) -> None:
        self._server.close()
        for writer in self._open:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    async def _heal(self) -> None:
        self._passable.set()
        self._whole.set()
        if not self._server.is_serving():
            await self._listen()

    async def _end_tasks(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as closing:
            self._remember(writer, closing)
            await self._passable.wait()
            host, _, port = self._upstream
            from_upstream, to_upstream = await asyncio.open_connection(host, int(port))
            self._remember(to_upstream, closing)
            pumps = {
                asyncio.ensure_future(self._pump(reader, to_upstream)),
                asyncio.ensure_future(self._pump(from_upstream, writer, replies=True)),
            }
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)

    def _remember(self, writer: asyncio.StreamWriter, closing: contextlib.ExitStack) -> None:
        self._open.add(writer)
        closing.callback(self._open.discard, writer)
        closing.callback(writer.close)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, replies: bool = False) -> None:
        while chunk := await reader.read(65536):
            if self._latency_seconds:
                await asyncio.sleep(self._latency_seconds)
            await self._passable.wait()
            if replies and not self._whole.is_set():
                half = len(chunk) // 2
                writer.write(chunk[:half])
                chunk = chunk[half:]
                await self._whole.wait()
            while replies and self._drip_seconds and chunk:
                writer.write(chunk[:1])
                chunk = chunk[1:]
                await asyncio.sleep(self._drip_seconds)
            writer.write(chunk)
            await writer.drain()
