import re

import pytest

from tests.web.answers import problem
from tests.web.conftest import serving
from tests.web.contract import CHECKOUT, nginx_problems, service_problems

FOLDER = CHECKOUT / "service/web/demo"
FILES = {
    "/demo/1": ("demo.html", "text/html; charset=utf-8"),
    "/demo/demo.js": ("demo.js", "text/javascript; charset=utf-8"),
    "/demo/service.js": ("service.js", "text/javascript; charset=utf-8"),
    "/demo/demo.css": ("demo.css", "text/css; charset=utf-8"),
}
PAGE, SCRIPT, SERVICE, STYLE = ((FOLDER / name).read_text("utf-8") for name, _ in FILES.values())


@pytest.fixture(scope="module")
def shown(shared_database_url, redis_server):
    with serving(shared_database_url, redis_server.url.removesuffix("/0") + "/6", demo=True) as app:
        yield app.test_client()


@pytest.mark.parametrize("path", FILES)
def test_unless_it_is_on_there_is_nothing(client, path):
    problem(client.get(path), 404, path=path)


@pytest.mark.parametrize("path", FILES)
def test_a_file_comes_with_what_a_browser_should_know(shown, path):
    response, (name, content_type) = shown.get(path), FILES[path]
    assert (response.status_code, response.content_type) == (200, content_type)
    assert response.data == (FOLDER / name).read_bytes()
    assert response.headers["Cache-Control"] == "public, max-age=60"
    policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
    assert policy.pop("default-src") == "'self'"
    assert policy.pop("img-src") == "'self' https: data:"
    assert set(policy.values()) == {"'none'"}
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_sent_once(shown, path):
    etag = shown.get(path).headers["ETag"]
    again = shown.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert shown.head(path).headers["ETag"] == etag


@pytest.mark.parametrize("given", ["0", "x", "demo.html", "01", "2147483648"])
def test_an_id_is_checked_as_everywhere(shown, given):
    assert problem(shown.get(f"/demo/{given}"), 400).keys() == {"product_id"}


@pytest.mark.parametrize("path", ["/demo", "/demo/", "/demo/1/", "/demo/1/demo.js"])
def test_there_is_no_page_where_its_addresses_would_lead_elsewhere(shown, path):
    problem(shown.get(path), 404, path=path)


def test_it_does_no_more_than_its_policy_allows():
    assert re.findall(r"<style|<script(?! type=\"module\" src=\"demo\.js\">)|\son\w+=|\sstyle=", PAGE) == []
    assert (
        re.findall(r"innerHTML|insertAdjacent|document\.write|\beval\b|import\(|XMLHttpRequest", SCRIPT + SERVICE) == []
    )
    assert re.findall(r"https?://|url\(|@import", PAGE + STYLE) == []


def test_its_addresses_are_relative():
    addresses = re.findall(r'(?:href|src|action)="([^"#]+)"', PAGE)
    assert sorted(addresses) == ["1", "data:,", "demo.css", "demo.js"]
    assert re.findall(r"fetch\(`([^`]*)`", SCRIPT + SERVICE) == ["../${path}"]
    assert re.findall(r'from "([^"]*)"', SCRIPT + SERVICE) == ["./service.js"]


def test_every_problem_that_it_has_words_for_is_one():
    words = re.search(r"const WORDS = {(.*?)\n};", SERVICE, re.DOTALL)[1]
    codes = set(re.findall(r'^  "([a-z-]+)":', words, re.MULTILINE))
    assert len(codes) == words.count("\n")
    assert codes <= service_problems().keys() | nginx_problems().keys()
