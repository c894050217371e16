"""How many requests nginx takes from one client and for one cart. A proxy says which client it is."""

import subprocess
from collections.abc import Callable
from functools import partial
from itertools import count, cycle
from pathlib import Path

import pytest

from deploy.local.servers import Nginx
from service.cart.tokens import CartTokens
from tests.integration.floods import add, assert_not_limited, flood, from_everywhere, read
from tests.integration.requests import ask, assert_problem
from tests.integration.upstream import Upstream, product, serving

Limited = Callable[..., Nginx]
ONE, OTHER = "203.0.113.1", "203.0.113.2"
TOKENS = CartTokens(["only for these tests"])
MINE, YOURS = (TOKENS.issue(TOKENS.new_cart()) for _ in range(2))
BASE = "/api/shop"


@pytest.fixture
def limited(nginx_server: Callable[..., Nginx], upstream: Upstream) -> Limited:
    """Starts an nginx without limits but those that are given."""
    none = {"rate": 0, "cart_rate": 0, "trusted_proxies": "127.0.0.1"}
    return lambda **settings: nginx_server(upstream.address, **none | settings)


class TestClients:
    @pytest.mark.parametrize("path", ["/products/1", "/products?count=2", "/cart", "/cart/lines", "/readyz", "/else"])
    def test_beyond_the_rate_a_client_is_refused_and_no_other(
        self, limited: Limited, upstream: Upstream, path: str
    ) -> None:
        nginx = limited(rate=3)
        flooded = flood(partial(read, nginx, ONE, path))
        flooded.assert_limited(rate=3, burst=6)
        assert_problem(flooded.refused, 429, "too-many-requests", path.partition("?")[0])
        assert flooded.refused.headers["Retry-After"] == "1"
        assert "Retry-After" in flooded.refused.headers["Access-Control-Expose-Headers"]
        assert len(upstream.requests) == flooded.taken
        assert read(nginx, OTHER, path).status == 200
        assert "limiting" not in nginx.log_tail()

    def test_a_refused_head_has_no_body(self, limited: Limited) -> None:
        refused = flood(partial(read, limited(rate=1), ONE, method="HEAD")).refused
        assert (refused.body, refused.headers["Retry-After"]) == (b"", "1")

    def test_writes_and_preflights_count_as_reads_do(self, limited: Limited) -> None:
        nginx = limited(rate=1, cart_rate=1_000)
        flood(partial(add, nginx, ONE, X_Cart_Token=MINE)).assert_limited(rate=1, burst=2)
        flood(partial(read, nginx, OTHER, "/cart", "OPTIONS")).assert_limited(rate=1, burst=2)

    def test_what_the_micro_cache_answers_counts(self, limited: Limited, upstream: Upstream) -> None:
        flooded = flood(partial(read, limited(rate=10, micro_cache=True), ONE))
        flooded.assert_limited(rate=10, burst=20)
        assert_problem(flooded.refused, 429, "too-many-requests", "/products/1")
        assert len(upstream.requests) < flooded.taken

    def test_what_the_old_api_gets_counts(self, limited: Limited) -> None:
        with serving(Upstream(answer=product)) as old:
            nginx = limited(rate=3, old_api=f"http://{old.address}", base_path=BASE)
            flooded = flood(partial(read, nginx, ONE, f"{BASE}/reviews"))
            flooded.assert_limited(rate=3, burst=6)
            assert_problem(flooded.refused, 429, "too-many-requests", "/reviews")
            assert len(old.requests) == flooded.taken

    @pytest.mark.parametrize(
        ("client", "same", "other"),
        [
            ("2001:db8:a0a:7::1", "2001:db8:a0a:7:ffff::2", "2001:db8:a0a:8::1"),
            ("2001:db8::1", "2001:db8::a:b:c:d", "2001:db8:0:1::1"),
            ("::ffff:203.0.113.1", "::ffff:203.0.113.1", "::ffff:203.0.113.2"),
        ],
    )
    def test_a_client_of_ipv6_has_a_whole_network(self, limited: Limited, client: str, same: str, other: str) -> None:
        nginx = limited(rate=1)
        either = cycle([client, same])
        flood(lambda: read(nginx, next(either))).assert_limited(rate=1, burst=2)
        assert read(nginx, other).status == 200

    @pytest.mark.parametrize("client", ["127.0.0.1", "127.255.0.9", "::1"])
    def test_the_machine_itself_is_not_limited(self, limited: Limited, client: str) -> None:
        nginx = limited(rate=1, cart_rate=1)
        assert_not_limited(partial(read, nginx, client))
        assert_not_limited(partial(add, nginx, client))
        assert_not_limited(partial(add, nginx, client, X_Cart_Token=MINE))
        assert_not_limited(partial(add, nginx, client, Idempotency_Key="one"))

    def test_nobody_can_say_to_be_somebody_else(self, limited: Limited) -> None:
        numbers = count()
        nginx = limited(rate=1)
        flood(lambda: read(nginx, f"198.51.100.{next(numbers) % 250}, {ONE}")).assert_limited(rate=1, burst=2)

    def test_only_a_trusted_proxy_says_who_it_is(self, limited: Limited) -> None:
        assert_not_limited(partial(read, limited(rate=1, trusted_proxies="10.0.0.1"), ONE))


class TestCarts:
    @pytest.mark.parametrize("named", [{"X_Cart_Token": MINE}, {"Cookie": f"a=b; cart={MINE}"},
                                       {"X_Cart_Token": MINE, "Cookie": f"cart={YOURS}"}])  # fmt: skip
    @pytest.mark.parametrize("base", ["", BASE])
    def test_beyond_its_rate_a_cart_takes_no_writes(
        self, limited: Limited, upstream: Upstream, base: str, named: dict[str, str]
    ) -> None:
        nginx = limited(cart_rate=4, base_path=BASE)
        flooded = flood(from_everywhere(nginx, path=f"{base}/cart", **named))
        flooded.assert_limited(rate=4, burst=8)
        assert_problem(flooded.refused, 429, "too-many-requests", "/cart")
        assert flooded.refused.headers["Retry-After"] == "1"
        assert len(upstream.requests) == flooded.taken

    @pytest.mark.parametrize(("method", "path"), [("PUT", "/cart/3"), ("DELETE", "/cart/3"), ("DELETE", "/cart")])
    def test_every_write_counts(self, limited: Limited, method: str, path: str) -> None:
        nginx = limited(cart_rate=2)
        flood(from_everywhere(nginx, method=method, path=path, X_Cart_Token=MINE)).assert_limited(rate=2, burst=4)

    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
    def test_reads_and_preflights_do_not(self, limited: Limited, method: str) -> None:
        nginx = limited(cart_rate=1)
        for headers in ({"X_Cart_Token": MINE}, {"Idempotency_Key": "one"}, {}):
            assert_not_limited(partial(ask, nginx, "/cart", method, X_Forwarded_For=ONE, **headers))
        assert_not_limited(partial(add, nginx, ONE, path="/products/1"))

    def test_another_cart_is_not_affected(self, limited: Limited) -> None:
        nginx = limited(cart_rate=1)
        flood(partial(add, nginx, ONE, X_Cart_Token=MINE))
        assert add(nginx, ONE, X_Cart_Token=YOURS).status == 200
        assert read(nginx, ONE, "/cart").status == 200
        assert add(nginx, ONE).status == 200

    def test_without_a_token_its_key_stands_for_it(self, limited: Limited) -> None:
        nginx = limited(cart_rate=4)
        flood(from_everywhere(nginx, Idempotency_Key="one of mine")).assert_limited(rate=4, burst=8)
        assert add(nginx, ONE, Idempotency_Key="another").status == 200
        assert add(nginx, ONE, Idempotency_Key="one of mine", X_Cart_Token=MINE).status == 200

    def test_both_limits_hold_for_a_write(self, limited: Limited) -> None:
        nginx = limited(rate=100, cart_rate=1)
        flood(partial(add, nginx, ONE, X_Cart_Token=MINE)).assert_limited(rate=1, burst=2)


class TestNewCarts:
    @pytest.mark.parametrize("named", [{}, {"X_Cart_Token": "guessed"}, {"Cookie": f"cart={'a' * 22}"},
                                       {"X_Cart_Token": "guessed", "Cookie": f"cart={MINE}"}])  # fmt: skip
    def test_so_many_are_opened_from_one_address(self, limited: Limited, named: dict[str, str]) -> None:
        nginx = limited(cart_rate=4)
        flood(partial(add, nginx, ONE, **named)).assert_limited(rate=2, burst=8)
        assert add(nginx, OTHER, **named).status == 200
        assert add(nginx, ONE, X_Cart_Token=YOURS).status == 200

    def test_a_key_of_its_own_for_each_does_not_help(self, limited: Limited) -> None:
        nginx, numbers = limited(cart_rate=4), count()
        flood(lambda: add(nginx, ONE, Idempotency_Key=f"key {next(numbers)}")).assert_limited(rate=2, burst=8)

    def test_fewer_than_additions_to_a_cart(self, limited: Limited) -> None:
        nginx = limited(cart_rate=20)
        own, new = partial(add, nginx, ONE, X_Cart_Token=MINE), partial(add, nginx, ONE)
        flood(own)
        flood(new)
        taken = {own: 0, new: 0}
        while taken[own] < 30:
            for each in taken:
                taken[each] += each().status == 200
        assert 10 <= taken[new] <= 24


@pytest.mark.parametrize("settings", [{}, {"rate": 1}, {"cart_rate": 1}])
def test_a_limit_of_0_is_none(limited: Limited, settings: dict[str, int]) -> None:
    nginx = limited(**settings)
    if "rate" not in settings:
        assert_not_limited(partial(read, nginx, ONE))
        assert_not_limited(partial(read, nginx, ONE, "/cart"))
    if settings == {}:
        assert_not_limited(partial(add, nginx, ONE))
        assert_not_limited(partial(add, nginx, ONE, X_Cart_Token=MINE))
    command = [nginx.program, "-t", "-p", nginx.prefix, "-c", nginx.configuration, "-e", "stderr"]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True, env=nginx.environ)
    assert "[" not in checked.stderr


def test_a_full_zone_forgets_the_oldest_and_refuses_nobody(
    limited: Limited, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small = tmp_path / "nginx.conf.template"
    small.write_text(Nginx.template.read_text().replace(":10m rate", ":32k rate"))
    monkeypatch.setattr(Nginx, "template", small)
    nginx = limited(rate=1, cart_rate=1)
    for number in range(400):
        client = f"10.0.{number % 200}.{number // 200}"
        key = f"{number}".rjust(1 + number % 255, "k")
        assert add(nginx, client, Idempotency_Key=key).status == 200
        assert add(nginx, client, X_Cart_Token=TOKENS.issue(TOKENS.new_cart())).status == 200
    assert "[alert]" not in nginx.log_tail()
    flood(partial(read, nginx, ONE)).assert_limited(rate=1, burst=2)
