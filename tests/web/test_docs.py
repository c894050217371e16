import json
import re
from html.parser import HTMLParser

import pytest

from tests.web.contract import API, CHECKOUT, nginx_problems, service_problems

PAGE = (CHECKOUT / "service/web/docs.html").read_text("utf-8")
LINE = re.compile(
    r'<tr id="([a-z-]+)"><td>(\d+)</td><td><a href="#\1"><code>\1</code></a></td>\s*<td>([^<].+?)</td></tr>'
)


class Attributes(HTMLParser):
    """Every attribute of the page as (tag, name, value)."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.feed(PAGE)

    def handle_starttag(self, tag, attrs):
        self.found += [(tag, name, value) for name, value in attrs]


ATTRIBUTES = Attributes().found


def values(*names):
    return [value for _, name, value in ATTRIBUTES if name in names]


def made_by_the_script():
    operations = [one["operationId"] for item in API["paths"].values() for one in item.values() if "operationId" in one]
    headers = [f"header-{name.lower()}" for name in API["components"]["headers"]]
    return [*operations, *headers, *(tag["name"].lower() for tag in API["tags"])]


def test_every_problem_has_its_line_and_no_other():
    lines = LINE.findall(PAGE)
    assert len(lines) == PAGE.count("<tr id=")
    statuses = {code: error.status for code, error in service_problems().items() if code != "misdirected"}  # operators'
    statuses |= {code: body["status"] for code, body in nginx_problems().items()}
    assert {code: int(status) for code, status, _ in lines} == statuses
    assert len({meaning for *_, meaning in lines}) == len(lines)


def test_a_problem_leads_to_its_line(client):
    page, _, line = client.get("/products/0").json["type"].partition("#")
    assert f'<tr id="{line}">' in client.get(page).text


def test_no_two_parts_have_the_same_anchor():
    anchors = values("id") + made_by_the_script()
    assert sorted(anchors) == sorted(set(anchors))


def test_every_link_leads_somewhere():
    anchors = {f"#{name}" for name in values("id") + made_by_the_script()}
    assert set(values("href")) <= anchors | {"/openapi.json"}


def test_the_page_needs_nothing_from_elsewhere_and_no_more_than_a_strict_policy_allows():
    assert values("src", "srcset", "action", "data") == []
    assert [name for _, name, _ in ATTRIBUTES if name.startswith("on")] == []
    assert re.findall(r"""https?://|["'(]//|\burl\(|@import|import\(|eval\(|innerHTML|document\.write""", PAGE) == []
    assert re.findall(r'fetch\("([^"]*)"\)', PAGE) == ["/openapi.json"]


@pytest.mark.parametrize(("name", "value"), [("lang", "en"), ("name", "viewport"), ("content", "light dark")])
def test_the_page_suits_readers_and_screens(name, value):
    assert value in values(name)


def test_what_descriptions_mark_as_code_is_closed():
    texts = re.findall(r'"(?:description|summary)": "((?:[^"\\]|\\.)*)"', json.dumps(API))
    assert len(texts) > 50
    assert [text for text in texts if text.count("`") % 2] == []
