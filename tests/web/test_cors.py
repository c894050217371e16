"""Pages of other origins: any may read, listed ones may also send credentials."""

import pytest

from service.settings import SettingError
from tests.web.conftest import serving

SHOP, OTHER = "https://shop.example", "https://other.example"


@pytest.fixture(scope="module")
def listed(shared_database_url, redis_server):
    redis_url = redis_server.url.removesuffix("/0") + "/5"
    with serving(shared_database_url, redis_url, cors_origins=f"{SHOP}, http://localhost:3000") as app:
        yield app


@pytest.mark.parametrize("path", ["/products/1", "/products", "/products/8", "/products/0", "/cart", "/nowhere"])
@pytest.mark.parametrize("origin", [SHOP, "http://localhost:3000"])
def test_a_listed_origin_is_told_by_name_that_it_may_send_credentials(listed, path, origin):
    headers = listed.test_client().get(path, headers={"Origin": origin}).headers
    assert headers.get_all("Access-Control-Allow-Origin") == [origin]
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in headers["Vary"]


@pytest.mark.parametrize(
    "origin", [None, OTHER, "null", SHOP + ".evil.example", "http://shop.example", f"{SHOP}, {OTHER}"]
)
def test_any_other_origin_may_read_without_them(listed, origin):
    for path in ("/products/1", "/cart", "/nowhere"):
        headers = listed.test_client().get(path, headers={"Origin": origin} if origin else {}).headers
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in headers
        assert "Origin" in headers["Vary"]


def test_a_preflight_of_a_listed_origin_allows_credentials(listed):
    asked = {"Origin": SHOP, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    headers = listed.test_client().options("/cart", headers=asked).headers
    assert (headers["Access-Control-Allow-Origin"], headers["Access-Control-Allow-Credentials"]) == (SHOP, "true")
    assert {"Origin", "Access-Control-Request-Headers"} <= {name.strip() for name in headers["Vary"].split(",")}


@pytest.mark.parametrize(
    ("origin", "flags"), [(SHOP, {"SameSite=None", "Secure"}), (OTHER, {"SameSite=Lax"}), (None, {"SameSite=Lax"})]
)
def test_the_cookie_is_for_other_sites_only_where_their_origin_is_listed(listed, origin, flags):
    headers = {"Origin": origin} if origin else {}
    cookie = listed.test_client().post("/cart", json={"sku_id": 9}, headers=headers).headers["Set-Cookie"]
    assert {part.strip() for part in cookie.split(";")} & {"SameSite=None", "SameSite=Lax", "Secure"} == flags


def test_without_the_setting_no_origin_is_special(client):
    headers = client.get("/products/1", headers={"Origin": SHOP}).headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in headers
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize("origins", ["*", "shop.example", "https://shop.example/", "null", "https://a b", "https://é"])
def test_what_is_no_origin_is_a_wrong_setting(serve, shared_database_url, closed_port, origins):
    with pytest.raises(SettingError, match="CORS_ORIGINS"):
        serve(shared_database_url, f"redis://{closed_port}", cors_origins=origins)
