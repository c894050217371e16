import re
import resource
import runpy

import pytest
from gunicorn.config import Config, make_settings

from service import nginx_conf
from service.settings import SettingError


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
        if name[0] != "_" and name not in ("os", "resource", "sys", "Settings", "annotations")
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


def test_clients_are_as_many_as_descriptors_leave_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def connections(limit: int) -> object:
        monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
        return runpy.run_module("service.gunicorn_conf")["worker_connections"]

    for name in ("DATABASE_URL", "REDIS_URL", "CART_SECRET"):
        monkeypatch.setenv(name, "needed, but not here")
    assert [connections(limit) for limit in (64, 1024, 2**20, resource.RLIM_INFINITY)] == [9, 936, 10_000, 10_000]


def test_an_address_of_nginx_that_is_none_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "CART_SECRET"):
        monkeypatch.setenv(name, "needed, but not here")
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "balancer.example")
    with pytest.raises(SettingError, match="FORWARDED_ALLOW_IPS"):
        runpy.run_module("service.gunicorn_conf")
