"""Makes raw ``POST /cart``, most of them good, many of them odd, the same ones for the same seed.

``{token}`` stands for the token of a cart, ``{own}`` for what is another word for each server.
"""

from random import Random

SHOP = "http://shop.example"
BODIES = [
    *('{"sku_id":7}', '{"sku_id":"7"}', '{"sku_id": 8, "count": 2}', '{"sku_id":9,"count":"3"}', '{"sku_id":10,"count":99}'),
    *(f'{{"sku_id":{number}}}' for number in range(1, 31)),
]  # fmt: skip
ODD_BODIES = [
    '{"sku_id":7,"user_token":12345}', '{"count":2,"sku_id":7}', ' {"sku_id":7} ', '{"sku_id":\t7}', '{"sku_id":007}', '{"sku_id":"007"}',
    '{"sku_id":0}', '{"sku_id":-1}', '{"sku_id":7.0}', '{"sku_id":7e0}', '{"sku_id":"7}', '{"sku_id":7"}', '{"sku_id":true}', '{"sku_id":null}',
    '{"sku_id":999}', '{"sku_id":2147483647}', '{"sku_id":2147483648}', '{"sku_id":9999999999}', '{"sku_id":7,"count":0}', '{"sku_id":7,"count":100}',
    '{"sku_id":7,"count":-1}', '{"sku_id":7,"count":null}', '{"sku_id":7,"sku_id":8}', '{"sku_id":7,"count":1,"count":1}', '{"sku_id":7}}', '{"sku_id":7',
    "[]", "7", "null", "", "{}", '{"sku_id":[7]}', '{"sku_id":7,}', "{'sku_id':7}", '{"sku_id":"\u0667"}', '{"sku_id":7}\n', '{"sku_id":7}{"sku_id":8}',
    '{"SKU_ID":7}', '{"sku_id":7,"count":"01"}', '{"sku_id":7,"count":1.0}', '{"sku_id" : 7 , "count" : 1}', "x" * 3000,
]  # fmt: skip
TYPES = ["application/json"] * 8 + ["application/json; charset=utf-8", "application/json;charset=UTF-8"]
ODD_TYPES = [
    *("Application/JSON", "application/json; charset=latin-1", "text/plain", "application/x-www-form-urlencoded"),
    *("application/json, text/plain", "application/jsonx", "", "application/json;"),
]
CARTS = ["X-Cart-Token: {token}"] * 4 + ["Cookie: cart={token}"] * 4 + [
    "Cookie: a=b; cart={token}; c=d", "Cookie: cart={token};a=b", "x-cart-token:\t{token} ", "cookie: a=b;cart={token}",
    "X-Cart-Token: {token}\r\nCookie: cart=other", "Cookie: xcart=1; cart={token}",
]  # fmt: skip
ODD_CARTS = [
    "", "", "", "Cookie: a=b", "X-Cart-Token: forged.token", "X-Cart-Token:", "Cookie: cart=forged.token", "Cookie: cart=", "Cookie: cart",
    "Cookie: cart=\"{token}\"", "Cookie: cart={token}; cart={token}", "Cookie: cart={token}\r\nCookie: a=b", "X-Cart-Token: {token}, {token}",
    "Cookie: mycart={token}", "Cookie: cart={token}x", "Cookie: cart = {token}", "Cookie: CART={token}", "X-Cart-Token: {token}\r\nX-Cart-Token: {token}",
]  # fmt: skip
KEYS = [f"Idempotency-Key: {{own}}-{number}" for number in range(8)] + ["idempotency-key: {own} \"\\,{}'%s"]
ODD_KEYS = [
    *("Idempotency-Key:", "Idempotency-Key: {own}\t1", "Idempotency-Key: " + "k" * 256, "Idempotency-Key: \xe9"),
    *("Idempotency-Key: {own} \r\nIdempotency-Key: {own}", "Idempotency-Key:   {own}-1  "),
]
HEADERS = [
    "Accept: */*", "User-Agent: {own}/1.0", "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: https", "X-Forwarded-Proto: http",
    "X-Request-Id: 0123456789abcdef", f"Origin: {SHOP}", f"Origin: {SHOP}\r\nSec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-origin",
    "Origin: http://localhost:3000\r\nSec-Fetch-Site: same-origin", "Authorization: {own}", "Accept-Encoding: gzip", "Connection: keep-alive",
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
]  # fmt: skip
ODD_HEADERS = [
    "Origin: http://evil.example", "Sec-Fetch-Site: cross-site", "Origin: null", "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http",
    "X-Forwarded-Proto: ftp", "Expect: 100-continue", "Content-Encoding: gzip", "Transfer-Encoding: chunked", "Connection: close",
    "Under_score: 1", "X-High: caf\xe9", "X-Request-Id: short", "Sec-Fetch-Site: ", "Origin:", "Host: other.example", "Origin: http://127.0.0.1:8000",
]  # fmt: skip


def addition(random: Random) -> str:
    """One request, complete or broken."""

    def either(plain: list[str], odd: list[str], share: float = 0.1) -> str:
        return random.choice(odd if random.random() < share else plain)

    body = either(BODIES, ODD_BODIES)
    length = len(body.encode()) if random.random() < 0.97 else random.choice([0, len(body) - 1, len(body) + 5])
    headers = ["Host: 127.0.0.1:8000", f"Content-Type: {either(TYPES, ODD_TYPES)}", f"Content-Length: {length}"]
    headers.append(either(CARTS, ODD_CARTS, 0.25))
    if random.random() < 0.4:
        of_body = f"Idempotency-Key: {{own}}-{body}" if body in BODIES else random.choice(KEYS)
        headers.append(either([of_body, of_body, *random.sample(KEYS, 1)], ODD_KEYS))
    headers += random.sample(HEADERS, random.choice((0, 0, 1, 2)))
    if random.random() < 0.1:
        headers.append(random.choice(ODD_HEADERS))
    random.shuffle(headers)
    target = (
        "/cart" if random.random() < 0.95 else random.choice(["/cart/", "/cart?x=1", "/cart/7", "//cart", "/carts"])
    )
    return "\r\n".join([f"POST {target} HTTP/1.1", *(header for header in headers if header), "", body])
