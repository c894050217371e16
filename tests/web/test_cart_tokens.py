from base64 import urlsafe_b64encode
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.cart.tokens import CartTokens
from service.settings import SettingError
from tests.web.answers import problem

SECRET = "a secret of the tests"
HEADER = "X-Cart-Token"
REQUESTS = [
    ("GET", "/cart"),
    ("GET", "/cart/lines"),
    ("POST", "/cart"),
    ("POST", "/cart/merge"),
    ("DELETE", "/cart"),
    ("PUT", "/cart/9"),
    ("DELETE", "/cart/9"),
]
TOKEN = CartTokens([SECRET]).issue(UUID(int=2**127 + 5))
BODY, SIGNATURE = TOKEN.split(".")

FORGED = {
    "empty": "",
    "no signature": BODY,
    "empty signature": BODY + ".",
    "only a signature": "." + SIGNATURE,
    "truncated": TOKEN[:-1],
    "longer": TOKEN + "A",
    "signature of another": CartTokens([SECRET]).issue(uuid4()).split(".")[0] + "." + SIGNATURE,
    "foreign secret": CartTokens(["a secret of others"]).issue(uuid4()),
    "cart's id": str(UUID(int=2**127 + 5)),
    "user session": "7",
    "unsigned id": urlsafe_b64encode(bytes(16)).decode() + "." + "A" * 43,
    "not ASCII": "ž" + TOKEN.encode().decode("latin-1"),
    "Latin-1": "\xff.\xfe",
    "huge": "A" * 8000 + "." + "A" * 8000,
    "dots": "." * 500,
    "twice": f"{TOKEN},{TOKEN}",
    "quoted": f'"{TOKEN}',
    "another alphabet": TOKEN.translate(str.maketrans("-_", "+/")) + "=",
}


def latin(text):
    """As a header's bytes arrive in WSGI."""
    return text.encode().decode("latin-1")


def ask(client, method, path, **headers):
    body = {"sku_id": 9, "token": TOKEN} if method == "POST" else {"count": 1} if method == "PUT" else None
    return client.open(path, method=method, json=body, headers=headers)


def added(client):
    """The token of a caller who has put sku 9 into a cart."""
    response = client.post("/cart", json={"sku_id": 9})
    assert response.status_code == 201
    return response.headers[HEADER]


def test_a_token_opens_the_cart_as_cookie_and_as_header(app):
    browser = app.test_client()
    token = added(browser)
    program = app.test_client(use_cookies=False)
    assert browser.get_cookie("cart", path="/cart").value == token
    assert program.post("/cart", json={"sku_id": 10}, headers={HEADER: token}).headers[HEADER] == token
    expected = b'[{"sku_id":9,"count":1},{"sku_id":10,"count":1}]'
    assert browser.get("/cart").data == program.get("/cart", headers={HEADER: token}).data == expected
    assert program.get("/cart").data == b"[]"


def test_callers_never_see_or_change_each_others_carts(app):
    callers = [app.test_client() for _ in range(3)]
    tokens = [added(caller) for caller in callers]
    assert len(set(tokens)) == 3
    callers[0].put("/cart/9", json={"count": 7})
    callers[1].delete("/cart")
    assert [caller.get("/cart").data for caller in callers] == [
        *(b'[{"sku_id":9,"count":7}]', b"[]", b'[{"sku_id":9,"count":1}]')
    ]


def test_the_header_goes_before_the_cookie(app):
    browser, other = app.test_client(), app.test_client()
    added(browser)
    token = added(other)
    other.put("/cart/9", json={"count": 5})
    assert browser.get("/cart", headers={HEADER: token}).data == b'[{"sku_id":9,"count":5}]'
    problem(browser.get("/cart", headers={HEADER: "x"}), 400)


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_header_that_is_no_token_is_refused(app, forged):
    for method, path in REQUESTS:
        client = app.test_client()
        response = ask(client, method, path, **{HEADER: latin(forged)})
        assert list(problem(response, 400, path=path)) == [HEADER]
        assert not forged or forged not in response.text
        assert client.get("/cart").data == b"[]"


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_cookie_that_is_no_token_counts_as_none_and_is_replaced(app, forged):
    client = app.test_client(use_cookies=False)
    cookie = {"Cookie": latin(f"cart={forged}")}
    assert ask(client, "GET", "/cart", **cookie).data == b"[]"
    assert ask(client, "GET", "/cart/lines", **cookie).json == {"lines": [], "total": "0"}
    assert ask(client, "DELETE", "/cart", **cookie).status_code == 204
    token = ask(client, "POST", "/cart", **cookie).headers[HEADER]
    assert token not in (forged, TOKEN)
    assert client.get("/cart", headers={HEADER: token}).data == b'[{"sku_id":9,"count":1}]'


@pytest.mark.parametrize("cookie", ["cart", "=", ";;;", "cart=;cart=", "\x00", "ž=ž", "cart=a;cart=b", "x" * 4000])
def test_strange_cookies_are_no_cart(app, cookie):
    response = app.test_client(use_cookies=False).get("/cart", headers={"Cookie": latin(cookie)})
    assert (response.status_code, response.data) == (200, b"[]")


@pytest.mark.parametrize(("base", "secure"), [("http://shop.example", False), ("https://shop.example", True)])
def test_the_cookie_is_for_the_cart_only_and_out_of_scripts_reach(client, base, secure):
    for response in (
        client.post("/cart", json={"sku_id": 9}, base_url=base),
        client.put("/cart/9", json={"count": 2}, base_url=base),
    ):
        (cookie,) = response.headers.getlist("Set-Cookie")
        value, *attributes = cookie.split("; ")
        assert value == f"cart={response.headers[HEADER]}"
        seconds = next(int(one.removeprefix("Max-Age=")) for one in attributes if one.startswith("Max-Age="))
        assert seconds > 30 * 24 * 3600
        assert {"HttpOnly", "SameSite=Lax", "Path=/cart"} <= set(attributes)
        assert ("Secure" in attributes) is secure
        assert HEADER in response.headers["Access-Control-Expose-Headers"]


@settings(deadline=None, database=None)
@given(st.uuids(), st.data())
def test_only_what_was_issued_opens_a_cart(cart_id, data):
    tokens = CartTokens([SECRET])
    token = tokens.issue(cart_id)
    assert tokens.open(token) == cart_id
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.one_of(st.sampled_from("AQgw_-.=+/"), st.characters()).filter(lambda c: c != token[at]))
    assert tokens.open(token[:at] + other + token[at + 1 :]) is None
    assert tokens.open(token[:at] + other + token[at:]) is None
    assert tokens.open(token[:at] + token[at + 1 :]) is None
    assert CartTokens([SECRET + "!"]).open(token) is None


@settings(deadline=None, database=None)
@given(st.text())
def test_no_text_opens_a_cart(text):
    assert CartTokens([SECRET]).open(text) is None


def test_secrets_rotate(serve, shared_database_url, redis_url):
    """The first signs, all open; what is signed with an older one is replaced by the next addition."""
    old, new = "an old secret of the tests", "a new secret of the tests"
    token = added(serve(shared_database_url, redis_url, cart_secret=old).test_client())
    both = serve(shared_database_url, redis_url, cart_secret=f"{new}, {old}").test_client()
    renewed = ask(both, "POST", "/cart", **{HEADER: token}).headers[HEADER]
    assert renewed != token
    for each in (token, renewed):
        assert ask(both, "GET", "/cart", **{HEADER: each}).json == [{"sku_id": 9, "count": 2}]
    after = serve(shared_database_url, redis_url, cart_secret=new).test_client()
    assert ask(after, "GET", "/cart", **{HEADER: renewed}).json == [{"sku_id": 9, "count": 2}]
    problem(ask(after, "GET", "/cart", **{HEADER: token}), 400, "malformed")


def test_a_cart_by_authorization_outlives_a_new_secret(serve, shared_database_url, redis_url):
    old, new = "an old secret of the tests", "a new secret of the tests"
    for secret in (old, f"{new},{old}"):
        settings = {"cart_by_authorization": True, "cart_secret": secret}
        client = serve(shared_database_url, redis_url, **settings).test_client(use_cookies=False)
        ask(client, "POST", "/cart", Authorization="rotating")
    assert ask(client, "GET", "/cart", Authorization="rotating").json == [{"sku_id": 9, "count": 2}]


@pytest.mark.parametrize("secret", ["a secret of the tests,", "short, a secret of the tests", ","])
def test_every_secret_is_long_enough(serve, shared_database_url, redis_url, secret):
    with pytest.raises(SettingError, match="CART_SECRET") as raised:
        serve(shared_database_url, redis_url, cart_secret=secret)
    assert "tests" not in str(raised.value)
