"""Follows nginx's access log: counts every line, and reads a few, chosen at random, for latency and paths."""

from __future__ import annotations

import json
import os
import random
import re
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from service.metrics.series import BUCKETS
from service.watch.series import ANSWERERS, NGINX_REQUESTS, NGINX_RESPONSES, NGINX_SECONDS, buckets_of, of

_CHUNK_BYTES = 1 << 20
_LONGEST_LINE_BYTES = 64 << 10  # longer than nginx' limits on what it logs allow
_BUDGET_SECONDS = 0.25  # of one look; what is left then is read at the next
_SAMPLED_BYTES = 32 << 10  # of each chunk
_SHORTEST_SECONDS = 0.001  # which nginx logs as 0
_HOT_LOOKS, _HOT_SECONDS, _MOST_HOT = 64, 60.0, 512
_ANSWERED = re.compile(rb'"answered_by":"(%b)","status":([2-5][0-9][0-9]),' % "|".join(ANSWERERS).encode())
_DOCUMENT = re.compile(r"/products/([1-9][0-9]{0,9})(?:/(styles|related))?/?", re.ASCII)

Key = tuple[str, int]


class NginxLog:
    """The log at ``path``, from its end at the first look. It may be rotated, truncated, and absent for a time.

    ``state`` is ``counted``, ``missing``, or ``off`` where there is no log. It ``is_behind`` if it has not been read to
    its end.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self.state = "off" if path == "off" else "missing"
        self.is_behind = False
        self._file: FileIO | None = None
        self._rest = b""
        self._is_replaced = False
        self._is_first_look = True
        self._hot: deque[tuple[float, Counter[Key]]] = deque(maxlen=_HOT_LOOKS)

    def look(self) -> Counter[str]:
        """What has been logged since the last look, by series."""
        counts: Counter[str] = Counter()
        hot: Counter[Key] = Counter()
        if self.state != "off":
            for lines in self._new_lines(time.monotonic() + _BUDGET_SECONDS):
                _sample(lines, _count(lines, counts), counts, hot)
            self._hot.append((time.monotonic(), Counter(dict(hot.most_common(_MOST_HOT)))))
        return counts

    def hottest(self) -> Counter[Key]:
        """About how many requests nginx's cache answered in the last minute, by document."""
        since = time.monotonic() - _HOT_SECONDS
        found: Counter[Key] = Counter()
        for at, hot in list(self._hot):
            if at > since:
                found.update(hot)
        return found

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
        self._file, self._rest = None, b""

    def _new_lines(self, until: float) -> Iterator[bytes]:
        """Whole lines, a chunk at a time. What was renamed is left a look later, when nginx writes there no more."""
        if (file := self._opened()) is None:
            return
        yield from self._lines_of(file, until)
        was_replaced, self._is_replaced = self._is_replaced, self._is_another(file)
        if was_replaced and self._is_replaced and time.monotonic() < until:
            self.close()
            self._is_replaced = False
            if (file := self._opened()) is not None:
                yield from self._lines_of(file, until)

    def _opened(self) -> FileIO | None:
        if self._file is None:
            try:
                self._file = FileIO(str(self._path))
            except OSError:
                self.state = "missing"
            else:
                self.state = "counted"
                if self._is_first_look:
                    self._file.seek(0, os.SEEK_END)
        self._is_first_look = False
        return self._file

    def _lines_of(self, file: FileIO, until: float) -> Iterator[bytes]:
        if os.fstat(file.fileno()).st_size < file.tell():  # truncated
            file.seek(0)
            self._rest = b""
        self.is_behind = True
        while time.monotonic() < until:
            if not (chunk := file.read(_CHUNK_BYTES)):
                self.is_behind = False
                return
            whole, newline, rest = (self._rest + chunk).rpartition(b"\n")
            self._rest = rest if len(rest) <= _LONGEST_LINE_BYTES else b""
            if newline:
                yield whole + newline

    def _is_another(self, file: FileIO) -> bool:
        """Whether the path leads to another file by now."""
        try:
            there, own = self._path.stat(), os.fstat(file.fileno())
        except OSError:
            self.state = "missing"
            return False
        self.state = "counted"
        return (there.st_dev, there.st_ino) != (own.st_dev, own.st_ino)


def _count(lines: bytes, counts: Counter[str]) -> int:
    """Count without parsing: in values quotes are escaped, so that no client can write a field of its own.

    Returns the number of lines.
    """
    found = Counter(_ANSWERED.findall(lines))
    for (answerer, status), times in found.items():
        counts[of(NGINX_REQUESTS, answered_by=answerer.decode())[0]] += times
        of_class = "429" if status == b"429" else f"{status[:1].decode()}xx"
        counts[of(NGINX_RESPONSES, status=of_class)[0]] += times
    return found.total()


def _some_of(lines: bytes) -> list[bytes]:
    """Whole lines that follow each other, from anywhere: to take them from everywhere, all would have to be split."""
    if len(lines) <= _SAMPLED_BYTES:
        return lines.splitlines()
    first = lines.find(b"\n", random.randrange(len(lines) - _SAMPLED_BYTES)) + 1  # noqa: S311 (a sample, no secret)
    return lines[first : first + _SAMPLED_BYTES].splitlines()[:-1]


def _sample(lines: bytes, count: int, counts: Counter[str], hot: Counter[Key]) -> None:
    """Read some of ``count`` lines, each of which stands for the same number of all."""
    some = _some_of(lines)
    weight = max(1, round(count / max(1, len(some))))
    for line in some:
        try:
            said = json.loads(line)
            seconds, answerer, path = float(said["seconds"]), said["answered_by"], str(said["path"])
        except (ValueError, KeyError, TypeError):
            continue
        if answerer in ANSWERERS:
            buckets = buckets_of(NGINX_SECONDS, answered_by=answerer)
            counts[buckets[bisect_left(BUCKETS, max(seconds, _SHORTEST_SECONDS))]] += weight
        if answerer == "cache" and (found := _DOCUMENT.fullmatch(path)):
            hot[found[2] or "product", int(found[1])] += weight
