"""``make client``: the TypeScript of docs/client is what openapi.json makes, and calls the service.

Not one of ``make test``: it needs node, npm and the packages of docs/client/package.json.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.web.contract import CHECKOUT

CLIENT = CHECKOUT / "docs" / "client"
FILES = ("package.json", "package-lock.json", "tsconfig.json", "example.ts", "overview.d.ts")
INSTALL_SECONDS, RUN_SECONDS = 300, 60

ASK = """
import {{ add, overview, product, Refused }} from "./example.js";
const api = overview("{url}");
const refused = await product(api, 8).catch((error) => error instanceof Refused && error.problem);
console.log(JSON.stringify([await product(api, 1), refused, await add(api, 9, 1, "from the client")]));
"""


def ran(directory: Path, *command: str, seconds: float = RUN_SECONDS) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=seconds, check=False)


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Path:
    """A copy of the folder in a copy of its place, with its packages."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "service" / "web").mkdir(parents=True)
    shutil.copy(CHECKOUT / "service/web/openapi.json", root / "service/web/openapi.json")
    client = root / "docs" / "client"
    client.mkdir(parents=True)
    for name in FILES:
        shutil.copy(CLIENT / name, client / name)
    installed = ran(client, "npm", "ci", "--no-audit", "--no-fund", seconds=INSTALL_SECONDS)
    assert installed.returncode == 0, installed.stderr
    return client


def test_the_declarations_are_those_of_the_contract_and_the_example_fits_them(client):
    checked = ran(client, "npm", "run", "--silent", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_declarations_of_another_contract_are_found(client):
    openapi = client.parents[1] / "service/web/openapi.json"
    text = openapi.read_text("utf-8")
    openapi.write_text(text.replace('"slogan"', '"motto"'), "utf-8")
    try:
        assert ran(client, "npm", "run", "--silent", "check").returncode != 0
    finally:
        openapi.write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("written", "wrong"),
    [("sku_id: skuId", "sku: skuId"), ("product_id: id", "product_id: `${id}`"), ('["default?"]', ".default")],
)
def test_calls_that_the_contract_does_not_have_do_not_compile(client, written, wrong):
    example = client / "example.ts"
    text = example.read_text("utf-8")
    example.write_text(text.replace(written, wrong), "utf-8")
    try:
        assert written in text
        assert ran(client, "npx", "tsc", "--noEmit").returncode != 0
    finally:
        example.write_text(text, "utf-8")


def test_the_example_calls_the_service(client, base_url):
    compiled = ran(client, "npx", "tsc", "--outDir", ".")
    assert compiled.returncode == 0, compiled.stdout
    (client / "ask.js").write_text(ASK.format(url=base_url), "utf-8")
    asked = ran(client, "node", "ask.js")
    assert asked.returncode == 0, asked.stderr
    product, refused, token = json.loads(asked.stdout)
    assert (product["id"], product["name"]) == (1, "Harbour Lantern")
    assert (refused["type"], refused["status"]) == ("/docs#unknown-product", 404)
    assert token.count(".") == 1
