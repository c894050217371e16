"""Makes raw requests, most of them good, many of them odd, the same ones for the same seed."""

from random import Random

IDS = [*range(1, 21)]
ETAGS = {}  # path: its ETag, quoted; filled in by whoever has asked

METHODS = ["GET"] * 12 + ["HEAD"] * 4 + ["POST", "PUT", "DELETE", "OPTIONS", "get", "GE T", "PATCH", "", "G\0ET"]
SUFFIXES = ["", "", "/styles", "/related", "/page", "/page"]
ODD_TARGETS = [
    "/products/0", "/products/01", "/products/+1", "/products/-1", "/products/%31", "/products/2147483648",
    "/products/99999999999", "/products/1?x=1", "/products/1?", "/products/1/", "//products/1", "/products/1#a",
    "http://127.0.0.1/products/1", "*", "/products", "/products?count=2", "/livez", "/nothing", "/products/1/style",
    "/products/1/styles/", "/products/\xb9", "/products/1;a", "products/1", "", "/products/1%20", "/./products/1",
    "/products/2147483647", "/products/999", "/products/888/styles",
    "/products/1/page/", "/products/999/page", "/products/0/page", "/products/1/pages", "/products/1/page?x=1",
]  # fmt: skip
VERSIONS = ["HTTP/1.1"] * 16 + ["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.1 ", ""]
HOSTS = ["Host: 127.0.0.1:8000"] * 10 + ["host:localhost", "HOST:  a.b-c.example:80 ", "Host:\t127.0.0.1"]
ODD_HOSTS = ["", "Host: a b", "Host: a/b", "Host: a\r\nHost: a", "Host: [::1]:80", "Host:", "Host : a", "Host: a:b:c"]
PLAIN_HEADERS = [
    "Accept: */*", "User-Agent: tests/1", "Cookie: a=b; cart=c", "Range: bytes=0-9",
    "X-Request-Id: 0123456789abcdef", "X-Request-Id: another.one-123", "X-Forwarded-For: 10.0.0.1", "Referer: http://a/",
    "X-Forwarded-Proto: https", "X-Forwarded-Proto: http", "Connection: keep-alive", "Authorization: Basic YTpi",
    "If-Modified-Since: Sun, 22 Nov 2026 00:00:00 GMT", "If-Match: \"a\"", "Forwarded: for=1.2.3.4", "X-Empty:",
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Traceparent: 00-garbage",
]  # fmt: skip
ODD_HEADERS = [
    "X-Request-Id: short", "X-Request-Id: with blank in it", "X-Request-Id: 0123456789abcdef\r\nX-Request-Id: other-one-1",
    "Connection: close", "Connection: Keep-Alive", "Connection: keep-alive, close", "Connection: upgrade", "connection: CLOSE",
    "Content-Length: 0", "Content-Length: abc", "Content-Length: -1", "Content-Length: 0\r\nContent-Length: 0",
    "Transfer-Encoding: identity", "Transfer-Encoding: gzip", "Expect: 100-continue", "Expect: something",
    "Upgrade: h2c", "TE: trailers", "Trailer: X", "Under_score: 1", "Content-Type: text/plain", "X-Forwarded-Host: evil",
    "X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https", "No colon here", ": no name", " folded", "Tab\there: 1",
    "X-Control: a\x01b", "X-Nul: a\0b", "X-High: caf\xe9", "X-Del: \x7f", "X Space: 1", "X-Bare: a\nb: c", "X-Cr: a\rb",
    "X-Long: " + "l" * 9000, "Script-Name: /x", "Proxy: http://a", "HTTP2-Settings: AAA", "X(paren): 1", "Accept:\r\n more",
]  # fmt: skip
ENCODINGS = {  # and who is sent gzip
    "gzip": True, "gzip, deflate": True, "gzip, deflate, br": True, "gzip, deflate, br, zstd": True, "GZip": True, "*": True,
    "x-gzip": True, "br;q=1.0, gzip;q=0.8, *;q=0.1": True, "gzip;q=0.001": True, "gzip; q=1.000": True, "gzip ;Q=1": True,
    "\tgzip\t,": True, ",gzip": True, "identity, gzip": True, "identity;q=0.5, gzip;q=0.5": True, "identity;q=0": False,
    "gzip, identity;q=0": True, "*;q=0, gzip": True, "identity;q=0, *": True, "deflate, *;q=0.3": True, "gzip;q=1.": True,
    "": False, "identity": False, "br": False, "gzip;q=0": False, "gzip;q=0.000": False, "*;q=0": False, "gzip;q=0, *": False,
    "identity, gzip;q=0.5": False, "identity;q=0.9, *;q=0.5": False, "gzip;q=0.4, *;q=0.5": False, "gzipped": False,
    "gzip;q=1.5": False, "gzip;q=-1": False, "gzip;q=": False, "gzip;q": False, "gzip;level=9": False, "gzip br": False,
    "gzip;q=0.0001": False, "gzip;q=nan": False, "*;q=0, identity;q=0": False, ";": False, "q=1": False, "deflate": False,
}  # fmt: skip
ODD_ENCODINGS = [
    "gzip\r\nAccept-Encoding: identity",
    "gzip;q=0\r\nAccept-Encoding: *",
    "g\xfczip",
    "gzip\0",
    "gzip,\r\n br",
]
VALIDATORS = [
    "{}",
    "W/{}",
    '"other", {}',
    '"a" , W/{} , "b"',
    "{gzip}",
    "W/{gzip}",
    '"other", {gzip}',
    "{gzip}, {}",
    "*",
    '"other"',
    "",
    "garbage",
    '"unclosed',
    "{}{}",
    "W/*",
    "\t{} ",
]
BODIES = [
    ("Content-Length: 5", "hello"), ("Content-Length: 3", "hello"), ("Transfer-Encoding: chunked", "2\r\nab\r\n0\r\n\r\n"),
    ("Content-Length: 2", "{}"), ("Transfer-Encoding: chunked", "zz\r\n"), ("", "stray"), ("Content-Length: 4", "\r\n\r\n"),
]  # fmt: skip


def request(random: Random) -> bytes:
    """One request, complete or broken."""
    plain = random.random() < 0.5
    path = f"/products/{random.choice(IDS)}{random.choice(SUFFIXES)}"
    target = path if plain or random.random() < 0.6 else random.choice(ODD_TARGETS)
    method = random.choice(METHODS[:16] if plain else METHODS)
    version = "HTTP/1.1" if plain else random.choice(VERSIONS)
    blank = " " if plain or random.random() < 0.95 else random.choice(["  ", "\t", ""])
    headers = [random.choice(HOSTS) if plain or random.random() < 0.8 else random.choice(ODD_HOSTS)]
    headers += random.sample(PLAIN_HEADERS, random.randrange(4))
    if random.random() < 0.25:
        headers.append(f"{random.choice(['If-None-Match: ', 'if-none-match:'])}{_validator(random, path)}")
    if random.random() < 0.6:
        value = random.choice([*ENCODINGS] if plain or random.random() < 0.97 else ODD_ENCODINGS)
        headers.append(f"{random.choice(['Accept-Encoding: ', 'accept-encoding:'])}{value}")
    body = ""
    if not plain:
        headers += random.sample(ODD_HEADERS, random.choice([0, 0, 1, 1, 2]))
        if random.random() < 0.15:
            header, body = random.choice(BODIES)
            headers.append(header)
    random.shuffle(headers)
    end = "\r\n" if plain or random.random() < 0.97 else random.choice(["\n", "\r"])
    lead = "" if random.random() < 0.97 else random.choice(["\r\n", "\n", "\r\n\r\n", " "])
    lines = [f"{method}{blank}{target}{blank}{version}", *(header for header in headers if header)]
    return (lead + end.join(lines) + end + end + body).encode("latin-1")


def packets(random: Random, requests: list[bytes]) -> list[bytes]:
    """How they travel: each on its own, all joined, or cut anywhere."""
    way = random.random()
    if way < 0.5:
        return requests
    whole = b"".join(requests)
    if way < 0.75:
        return [whole]
    cuts = sorted(random.sample(range(len(whole) + 1), min(random.randrange(1, 4), len(whole))))
    return [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True) if start < end]


def _validator(random: Random, path: str) -> str:
    tag = ETAGS.get(path, '"none"')
    return random.choice(VALIDATORS).replace("{}", tag).replace("{gzip}", f'{tag[:-1]}-gzip"')
