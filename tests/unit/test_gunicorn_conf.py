import re
import runpy

import pytest
from gunicorn.config import Config, make_settings

from service import nginx_conf


@pytest.fixture
def conf(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    for name in ("DATABASE_URL", "REDIS_URL", "CART_SECRET"):
        monkeypatch.setenv(name, "needed, but not here")
    monkeypatch.setenv("THREADS", "5")
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    module = runpy.run_module("service.gunicorn_conf")
    return {
        name: value
        for name, value in module.items()
        if name[0] != "_" and name not in ("os", "sys", "Settings", "annotations")
    }


def test_every_name_is_a_setting_that_gunicorn_takes(conf: dict[str, object]) -> None:
    assert conf.keys() <= make_settings().keys()
    config = Config()
    for name, value in conf.items():
        config.set(name, value)
    assert (config.threads, config.loglevel, config.control_socket_disable) == (5, "error", True)


def test_gunicorn_keeps_connections_longer_than_nginx(conf: dict[str, object]) -> None:
    upstream = re.search(r"upstream instances \{.*?keepalive_timeout (\d+)s;", nginx_conf.TEMPLATE.read_text(), re.S)
    assert upstream
    assert int(upstream[1]) < int(str(conf["keepalive"]))
