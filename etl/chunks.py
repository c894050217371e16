"""The text of a file in chunks of whole lines, plain or gzipped, without its byte order mark."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from etl.errors import LoadError

CHUNK_BYTES = 1 << 20
#: Lines of real files are far shorter. It bounds the memory for a file without line ends, or a small gzip of one.
LONGEST_LINE_BYTES = 1 << 20

#: Called with the bytes read so far and the total, of the file as it is on disk.
Progress = Callable[[int, int], None]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def chunks(path: Path, progress: Progress) -> Iterator[bytes]:
    """Read a file in chunks of whole lines, the last one closed as well. Raises LoadError where it cannot be read."""
    lines, rest, start = 0, b"", True
    try:
        for text in _read(path, progress):
            cut = text.rfind(b"\n") + 1
            whole = b"".join((rest, memoryview(text)[:cut])) if cut else b""
            rest = text[cut:] if cut else rest + text
            if len(rest) > LONGEST_LINE_BYTES:
                first = lines + whole.count(b"\n") + 1
                raise LoadError(f"{path.name}, line {first}: longer than {LONGEST_LINE_BYTES} bytes")
            if whole:
                yield whole.removeprefix(_BYTE_ORDER_MARK) if start else whole
                lines, start = lines + whole.count(b"\n"), False
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LoadError(f"{path.name}, line {lines + 1}: from here on it cannot be unpacked: {error}") from None
    except OSError as error:
        raise LoadError(f"{path.name} cannot be read: {error.strerror}") from None
    if rest := rest.removeprefix(_BYTE_ORDER_MARK) if start else rest:
        yield rest + b"\n"


def _read(path: Path, progress: Progress) -> Iterator[bytes]:
    reported, size = 0, path.stat().st_size
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(path.open("rb", buffering=0))
        read: Callable[[int], bytes] = file.read
        if path.suffix == ".gz":
            # Each call unpacks at most one block: what was read before an error is not lost, and memory is bounded.
            read = stack.enter_context(gzip.GzipFile(fileobj=file)).read1
        while text := read(CHUNK_BYTES):
            if (here := file.tell()) > reported:  # many chunks can come from one block of a gzip
                progress(reported := here, size)
            yield text
