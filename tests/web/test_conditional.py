import pytest

READS = [
    "/products",
    "/products?ids=1,2",
    "/products/1",
    "/products/1/styles",
    "/products/1/related",
    "/products/2/page",
]
EMPTY_READS = ["/products?page=99", "/products?ids=8"]
CART = ["/cart", "/cart/lines"]
ABOUT = ["ETag", "Cache-Control", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Vary", "Link"]


def about(response):
    return {name: response.headers.get(name) for name in ABOUT}


def etag(client, path):
    return client.get(path).headers["ETag"]


def test_an_etag_is_strong_stays_and_tells_documents_apart(app):
    paths = [*READS, *(f"/products/{n}" for n in (2, 3, 7, 9)), "/products?count=3", "/products/3/styles"]
    first = {path: etag(app.test_client(), path) for path in paths}
    assert first == {path: etag(app.test_client(), path) for path in paths}
    assert len(set(first.values())) == len(paths)
    assert all(len(tag) == 18 and tag[0] == tag[-1] == '"' and tag[1:-1].isalnum() for tag in first.values())


def test_an_etag_depends_on_nothing_but_the_bytes(app, serve, own_database, closed_port):
    other = serve(own_database, f"redis://{closed_port}").test_client()
    assert {path: etag(app.test_client(), path) for path in READS} == {path: etag(other, path) for path in READS}


@pytest.mark.parametrize("path", READS + EMPTY_READS + CART)
@pytest.mark.parametrize(
    "given", ["{0}", "W/{0}", '"x", {0}', '"x" ,W/{0},"y"', '{0}, "x"', "*", " {0} ", ",{0}", '"a,b", {0}', 'x", {0}']
)
def test_a_caller_who_has_these_bytes_gets_304(client, path, given):
    full = client.get(path)
    for method in ("GET", "HEAD"):
        response = client.open(path, method=method, headers={"If-None-Match": given.format(full.headers["ETag"])})
        assert (response.status_code, response.data) == (304, b"")
        assert about(response) == about(full)
        assert "X-Cache" in response.headers
        assert not {"Content-Length", "Content-Type"} & set(response.headers.keys())


@pytest.mark.parametrize("path", [*READS, "/cart"])
@pytest.mark.parametrize(
    "given",
    ["", '""', '"x"', 'W/"x"', '"*"', "{1}", '"{0}', '"{1}x"', '"x{1}"', "W", "W/", ",,,", '"' * 99, "\xe9", " " * 99],
)
def test_other_tags_get_the_whole_answer(client, path, given):
    tag = etag(client, path)
    given = given.format(tag, tag.strip('"').upper() + "0")
    response = client.get(path, headers={"If-None-Match": given})
    assert response.status_code == 200
    assert response.data == client.get(path).data


def test_an_error_is_never_304(client):
    for path, status in (("/products/8", 404), ("/products/x", 400), ("/products?page=x", 400), ("/nowhere", 404)):
        assert client.get(path, headers={"If-None-Match": "*"}).status_code == status


@pytest.mark.parametrize("path", [*READS, *EMPTY_READS, *CART, "/products/8", "/products/0", "/x", "/livez", "/readyz"])
def test_head_is_get_without_the_body(client, path):
    client.get(path)
    full, head = client.get(path), client.head(path)
    assert (head.status_code, head.data) == (full.status_code, b"")
    differs = {"X-Request-Id", "Server-Timing"}
    assert {k: v for k, v in head.headers if k not in differs} == {k: v for k, v in full.headers if k not in differs}
    assert int(head.headers["Content-Length"]) == len(full.data)


@pytest.mark.parametrize("path", READS[2:])
def test_a_document_is_a_miss_then_a_hit(serve, shared_database_url, redis_url, path):
    client = serve(shared_database_url, redis_url).test_client()
    assert [client.get(path).headers["X-Cache"] for _ in range(3)] == ["miss", "hit", "hit"]


def test_a_list_is_as_good_as_the_worst_of_its_documents(serve, shared_database_url, redis_url):
    client = serve(shared_database_url, redis_url).test_client()
    asked = ["/products?ids=1,2", "/products?ids=2,1", "/products?ids=1,2,3", "/products?count=3", "/products?page=99"]
    assert [client.get(path).headers["X-Cache"] for path in asked] == ["miss", "hit", "miss", "hit", "bypass"]


def test_another_instance_hits_what_one_has_filled_with_the_same_bytes(serve, shared_database_url, redis_url):
    one, other = (serve(shared_database_url, redis_url).test_client() for _ in range(2))
    filled, hit = one.get("/products/3"), other.get("/products/3")
    assert (filled.headers["X-Cache"], hit.headers["X-Cache"]) == ("miss", "hit")
    assert (filled.data, about(filled)) == (hit.data, about(hit))


@pytest.mark.parametrize("path", READS)
def test_without_redis_the_cache_is_bypassed(serve, shared_database_url, closed_port, app, path):
    client = serve(shared_database_url, f"redis://{closed_port}").test_client()
    for _ in range(2):
        response = client.get(path)
        assert response.headers["X-Cache"] == "bypass"
        assert response.data == app.test_client().get(path).data


def test_the_catalogue_may_be_shared_for_a_second_and_a_cart_by_nobody(client):
    for path in READS + EMPTY_READS:
        response = client.get(path)
        assert response.headers["Cache-Control"] == "public, max-age=1"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Vary" not in response.headers
        assert "Set-Cookie" not in response.headers
    for path in CART:
        response = client.get(path)
        assert response.headers["Cache-Control"] == "private, no-store"
        assert {name.strip() for name in response.headers["Vary"].split(",")} == {"Cookie", "X-Cart-Token"}
