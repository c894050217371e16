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
from service.watch.series import ANSWERERS, NGINX_REQUESTS, NGINX_RESPONSES, NGINX_SECONDS, STATUSES, buckets_of, of

_CHUNK_BYTES = 1 << 20
_LONGEST_LINE_BYTES = 64 << 10  # longer than nginx' limits on what it logs allow
_BUDGET_SECONDS = 0.25  # of one look; what is left then is read at the next
_SAMPLED_LINES = 200  # of each chunk
_SHORTEST_SECONDS = 0.001  # which nginx logs as 0
_HOT_LOOKS, _HOT_SECONDS, _MOST_HOT = 64, 60.0, 512
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
                _count(lines, counts)
                _sample(lines, counts, hot)
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


def _count(lines: bytes, counts: Counter[str]) -> None:
    """Count without parsing: in values quotes are escaped, so that no client can write a field of its own."""
    everything = lines.count(b"\n")
    by = {answerer: lines.count(b'"answered_by":"%b"' % answerer.encode()) for answerer in ANSWERERS}
    by["instance"] += everything - sum(by.values())  # lines of a format without the field
    digits = {digit: lines.count(b'"status":%b' % digit.encode()) for digit in ("3", "4", "5", "429")}
    classes = {"3xx": digits["3"], "4xx": digits["4"] - digits["429"], "5xx": digits["5"], "429": digits["429"]}
    classes["2xx"] = everything - sum(classes.values())
    counts.update({of(NGINX_REQUESTS, answered_by=answerer)[0]: by[answerer] for answerer in ANSWERERS})
    counts.update({of(NGINX_RESPONSES, status=status)[0]: classes[status] for status in STATUSES})


def _sample(lines: bytes, counts: Counter[str], hot: Counter[Key]) -> None:
    """Read some lines, each of which stands for the same number of all."""
    everything = lines.splitlines()
    some = random.sample(everything, min(len(everything), _SAMPLED_LINES))
    weight = round(len(everything) / len(some))
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
