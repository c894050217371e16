import html
import json
import re
from html.parser import HTMLParser

import pytest

from tests.web.contract import API, nginx_problems, service_problems

FILES = ("docs.css", "docs.js", "swagger-ui.css", "swagger-ui-bundle.js")
LINE = re.compile(
    r'<tr id="([a-z-]+)"><td>(\d+)</td><td><a href="#\1"><code>\1</code></a></td>\s*<td>([^<].+?)</td></tr>'
)


class Attributes(HTMLParser):
    """Every attribute of the page as (tag, name, value)."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found += [(tag, name, value) for name, value in attrs]

    def values(self, *names):
        return [value for _, name, value in self.found if name in names]


@pytest.fixture
def page(client):
    return client.get("/docs").text


@pytest.fixture
def attributes(page):
    return Attributes(page)


def test_every_problem_has_its_line_and_no_other(page):
    lines = LINE.findall(page)
    assert len(lines) == page.count("<tr id=") - len(API["components"]["headers"])
    statuses = {code: error.status for code, error in service_problems().items() if code != "misdirected"}  # operators'
    statuses |= {code: body["status"] for code, body in nginx_problems().items()}
    assert {code: int(status) for code, status, _ in lines} == statuses
    assert len({meaning for *_, meaning in lines}) == len(lines)


def test_a_problem_leads_to_its_line(client):
    page, _, line = client.get("/products/0").json["type"].partition("#")
    assert f'<tr id="{line}">' in client.get(page).text


def test_no_two_parts_have_the_same_anchor(attributes):
    anchors = attributes.values("id")
    assert sorted(anchors) == sorted(set(anchors))


def test_every_route_is_there_in_words(page):
    operations = [one for item in API["paths"].values() for method, one in item.items() if method != "head"]
    for operation in operations:
        article = page.partition(f'<article id="{operation["operationId"]}">')[2].partition("</article>")[0]
        text = html.unescape(re.sub("</?code>", "`", article))
        assert operation["summary"] in text
        assert operation.get("description", "") in text
        assert [
            one["name"] for one in operation.get("parameters", ()) if f"`{one['name']}` in {one['in']}" not in text
        ] == []
        assert [status for status in operation["responses"] if f"<dt>{status}</dt>" not in text] == ["default"]


@pytest.mark.parametrize("base_path", ["", "/api/shop"])
def test_every_link_leads_somewhere(client, base_path):
    page = Attributes(client.get("/docs", headers={"X-Forwarded-Prefix": base_path}).text)
    anchors = {f"#{name}" for name in page.values("id")}
    links = {one for one in page.values("href", "src", "data-openapi") if one != "data:,"} - anchors
    assert links == {f"{base_path}/openapi.json", *(f"{base_path}/docs/{name}" for name in FILES)}
    assert {client.get(one.removeprefix(base_path)).status_code for one in links} == {200}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_page_is_validated_and_of_the_type_that_browsers_want(client, name):
    response = client.get(f"/docs/{name}")
    assert response.mimetype == ("text/css" if name.endswith(".css") else "text/javascript")
    assert client.get(f"/docs/{name}", headers={"If-None-Match": response.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("name", ["swagger-ui.js", "index.html", "__init__.py", "..%2Fops.py"])
def test_no_other_file_is_served(client, name):
    assert client.get(f"/docs/{name}").json["type"] == "/docs#not-found"


def test_what_a_client_says_of_its_path_is_no_part_of_the_page(client):
    page = client.get("/docs", headers={"X-Forwarded-Prefix": '"><script>'}).text
    assert "><script>" not in page


def test_the_page_needs_no_more_than_a_strict_policy_allows(client, page, attributes):
    policy = client.get("/docs").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'; img-src 'self' data:; ")
    assert "unsafe" not in policy
    assert re.findall(r"<style|<script(?! src=)", page) == []
    assert [name for _, name, _ in attributes.found if name == "style" or name.startswith("on")] == []


@pytest.mark.parametrize(("name", "value"), [("lang", "en"), ("name", "viewport"), ("content", "light dark")])
def test_the_page_suits_readers_and_screens(attributes, name, value):
    assert value in attributes.values(name)


def test_what_descriptions_mark_as_code_is_closed():
    texts = re.findall(r'"(?:description|summary)": "((?:[^"\\]|\\.)*)"', json.dumps(API))
    assert len(texts) > 50
    assert [text for text in texts if text.count("`") % 2] == []
