"""``make browser``: a page of another origin calls the service from a real browser, as front ends of the old API do.

Not one of ``make test``: it needs Chromium, as ``chromium`` on the PATH or where CHROMIUM says.
"""

import functools
import json
import os
import re
import shutil
import subprocess
import threading
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

_PAGE = Path(__file__).with_name("page.html")


class _Pages(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page_url(page_port: int):
    pages = ThreadingHTTPServer(("127.0.0.1", page_port), functools.partial(_Pages, directory=_PAGE.parent))
    thread = threading.Thread(target=pages.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://localhost:{page_port}/{_PAGE.name}"
    pages.shutdown()
    thread.join()
    pages.server_close()


def test_a_page_of_another_origin_reads_and_keeps_a_cart(base_url, page_url, tmp_path):
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert browser, "no Chromium: set CHROMIUM to one"
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--dump-dom"]
    api = base_url.replace("127.0.0.1", "localhost")  # the page's site: Chromium keeps no cookies of others
    command = [browser, *options, "--virtual-time-budget=20000", f"{page_url}?{api}"]
    dumped = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    seen = json.loads(unescape(re.search(r"<pre>(.*?)</pre>", dumped, re.DOTALL)[1]))
    assert seen == {
        "read with Authorization": [200, 1],
        "read with credentials": [200, 1],
        "headers that scripts see": ["hit", True],
        "styles by a path with a slash": [200, "1"],
        "cart of a browser without credentials": [201, "Created", []],
        "cart of a browser with credentials": [201, "Created", [{"sku_id": 37, "count": 2}]],
        "cart by Authorization": [201, "Created", [{"sku_id": 9, "count": 1}]],
    }
