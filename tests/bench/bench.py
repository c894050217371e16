"""Runs rows: prepares Redis, then measures the lines in turn, round by round."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from random import choice
from typing import NamedTuple

from deploy.local.processes import StackError
from service.catalogue import Kind
from tests.bench import open_loop, wrk
from tests.bench.carts import Carts
from tests.bench.cores import cpu_seconds
from tests.bench.disturbances import Trouble
from tests.bench.figures import OURS, Figures, Round
from tests.bench.rows import CALLS, PAGE, Line, Row
from tests.bench.servers import Server
from tests.bench.warmth import Warmth


class Length(NamedTuple):
    """How long it takes: counted rounds, seconds of one, seconds of an open loop, which has no rounds."""

    rounds: int
    seconds: int
    open_seconds: int


FULL = Length(5, 3, 60)
QUICK = Length(2, 1, 5)


class Bench:
    """Measures random ``ids``, the last of them where Redis has no room for all, and additions to ``carts``.

    ``file`` tells wrk which.
    """

    def __init__(
        self, warmth: Warmth, carts: Carts, trouble: Trouble, ids: Sequence[int], file: Path, length: Length
    ) -> None:
        self.warmth, self.carts, self.trouble = warmth, carts, trouble
        self.ids, self.file, self.length = ids, file, length
        self.calls, self._calls_a_page = file.with_name("calls"), 0.0
        self._warm: tuple[Kind, Sequence[int]] | None = None

    def figures(self, row: Row, servers: Mapping[str, Server], load_cores: set[int]) -> Figures:
        """Measure one row; the first round warms up and does not count."""
        if row.carts is None:
            ids = self._prepare_pages() if row.pages else self._prepare(row)
            print(f"\n{row.work}, {len(ids):,} products", flush=True)
        else:
            ids = ()
            self.file.write_text("".join(f"{self.carts.token()}\n" for _ in range(row.carts)), encoding="ascii")
            print(f"\n{row.work}", flush=True)
        if row.constant_rate:
            return {name: [self._open(row, servers[line.server], ids)] for name, line in row.lines.items()}
        found: dict[str, list[Round]] = {name: [] for name in row.lines}
        for number in range(self.length.rounds + 1):
            print(f"  {f'round {number}' if number else 'warming'}", end="", flush=True)
            for name, line in row.lines.items():
                one = self._closed(row, line, servers[line.server], load_cores)
                print(f"   {name} {one.rate:,.0f}", end="", flush=True)
                if number:
                    found[name].append(one)
            print(flush=True)
        return found

    def compare_answers(self, servers: Mapping[str, Server]) -> None:
        """Raise StackError unless all servers say the same of some products, read from Postgres."""
        self.warmth.clear()
        for kind in (Kind.PRODUCT, Kind.STYLES, Kind.RELATED):
            for product_id in self.ids[:: max(1, len(self.ids) // 5)]:
                said = {name: one.document(kind, product_id) for name, one in servers.items() if not one.file}
                if others := [name for name, document in said.items() if document != said[OURS]]:
                    raise StackError(f"{kind} {product_id} is not the same from {OURS} and {', '.join(others)}")

    def _prepare(self, row: Row) -> Sequence[int]:
        if row.cold:
            self.warmth.clear()
            self._warm, ids = None, self.ids
        else:
            if self._warm is None or self._warm[0] != row.kind:
                print(f"\nfilling Redis with {row.kind} …", flush=True)
                self._warm = row.kind, self.warmth.fill(row.kind, self.ids)
            ids = self._warm[1]
        ids = row.drawn(ids)
        self.file.write_text("".join(f"{product_id}\n" for product_id in ids), encoding="ascii")
        return ids

    def _prepare_pages(self) -> Sequence[int]:
        """Beside the ids, the file of calls has every path below /products/ that their pages asked for before."""
        self._warm, related = None, self.warmth.fill_pages(self.ids)
        self.file.write_text("".join(f"{product_id}\n" for product_id in related), encoding="ascii")
        calls = [f"{of}{suffix}" for of in related for suffix in ("", "/styles", "/related")]
        calls += [f"{each}{suffix}" for of in related for each in related[of] for suffix in ("", "/styles")]
        self.calls.write_text("".join(f"{call}\n" for call in calls), encoding="ascii")
        self._calls_a_page = len(calls) / len(related)
        return list(related)

    def _closed(self, row: Row, line: Line, server: Server, load_cores: set[int]) -> Round:
        if row.cold:
            self.warmth.clear([server.keys])
        script, variables = self._reads(row, line, server) if row.carts is None else self._additions(line)
        with line.disturbed(self.trouble, server) if line.disturbed else nullcontext():
            before = cpu_seconds(server.roots)
            report = wrk.run(server.address, script, variables, line.connections, self.length.seconds, load_cores)
            used = cpu_seconds(server.roots) - before
        times = self._calls_a_page if line.asks_for == CALLS else 1.0
        return Round(report.rate / times, used / report.answers * times * 1e6, report.p99_ms, report.errors)

    def _read(self, row: Row, server: Server, ids: Sequence[int]) -> Callable[[], bytes]:
        before, after = server.path(row.kind)
        start, end = before.encode(), (PAGE if row.pages else after).encode()
        return lambda: b"GET %b%d%b HTTP/1.1\r\nHost: bench\r\n\r\n" % (start, choice(ids), end)

    def _addition(self, carts: int) -> Callable[[], bytes]:
        tokens = [self.carts.token().encode() for _ in range(carts)]
        body = b'{"sku_id":1}'
        head = b"POST /cart HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(
            body
        )
        return lambda: b"%bX-Cart-Token: %b\r\n\r\n%b" % (head, choice(tokens), body)

    def _reads(self, row: Row, line: Line, server: Server) -> tuple[str, dict[str, str]]:
        before, after = server.path(row.kind)
        file = self.calls if line.asks_for == CALLS else self.file
        about = {"IDS": str(file), "CLIENTS": str(row.clients), "ENCODINGS": line.encodings}
        return "products.lua", {"BEFORE": before, "AFTER": PAGE if line.asks_for == PAGE else after, **about}

    def _additions(self, line: Line) -> tuple[str, dict[str, str]]:
        return "carts.lua", {"CARTS": str(self.file), "KEYED": "1" if line.keyed else ""}

    def _open(self, row: Row, server: Server, ids: Sequence[int]) -> Round:
        request = self._read(row, server, ids) if row.carts is None else self._addition(row.carts)
        before = cpu_seconds(server.roots)
        loop = open_loop.OpenLoop(server.address, request, row.constant_rate, self.length.open_seconds)
        outcome = loop.run()
        used = cpu_seconds(server.roots) - before
        return Round(
            outcome.answers / outcome.seconds,
            used / outcome.answers * 1e6,
            outcome.percentile(0.99) * 1e3,
            outcome.errors,
        )
