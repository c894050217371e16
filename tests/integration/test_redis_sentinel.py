from pathlib import Path
from tempfile import mkdtemp

import pytest

from deploy.local import probes
from deploy.local.servers import Redis
from service.cache.entry import UNKNOWN_INCARNATION
from service.cache.redis import open_redis
from service.coroutines import block_on
from service.errors import RedisUnavailable
from service.settings import SettingError
from tests.chaos.waits import wait_until

_PASSWORD = "a-password"


@pytest.fixture
def launch(server_root, free_port):
    """Starts a Redis with further options and arguments."""
    started = []

    def launch(*arguments, password=_PASSWORD, **options):
        root = Path(mkdtemp(prefix="sentinel-", dir=server_root))
        root.chmod(0o755)
        server = Redis(root, free_port(root.name), root / "redis.log")
        server.command += arguments
        server.options |= {"requirepass": password, "masterauth": password} if password else {}
        server.options |= {name.replace("_", "-"): value for name, value in options.items()}
        server.url = f"redis://:{password}@{server.address}" if password else f"redis://{server.address}"
        if not password:
            server.options = {name: value for name, value in options.items() if " " in name} | {
                name: server.options[name] for name in ("port", "bind")
            }
        server.start()
        started.append(server)
        return server

    yield launch
    for server in started:
        server.kill()


def test_a_new_connection_is_to_the_master_of_the_moment(launch, closed_port):
    master = launch()
    host, port = master.address.split(":")
    replica = launch(replicaof=f"{host} {port}", repl_diskless_sync_delay="0")
    with probes.client(replica.url) as client:
        wait_until(lambda: client.info("replication")["master_link_status"] == "up")
    sentinel = launch(
        "--sentinel",
        password="",
        **{
            "sentinel monitor": f"shop {host} {port} 1",
            "sentinel auth-pass": "shop a-password",
            "sentinel down-after-milliseconds": "shop 300",
        },
    )
    with probes.client(sentinel.url) as client:
        wait_until(lambda: client.sentinel_master("shop")["num-slaves"] == 1)
    store = open_redis(f"redis+sentinel://:a-password@{closed_port},{sentinel.address}/shop/0", 1.0)
    assert block_on(store.put(5, [])) == 0
    before = store.incarnation
    assert before != UNKNOWN_INCARNATION
    master.kill()
    with pytest.raises(RedisUnavailable):
        block_on(store.get(["a"]))
    wait_until(lambda: _answers(store))
    assert block_on(store.get(["a"])).epoch is None  # of another server
    block_on(store.put(5, []))
    assert store.incarnation > before
    store.close()


def _answers(store):
    try:
        block_on(store.get(["a"]))
    except RedisUnavailable:
        return False
    return True


def test_a_group_that_no_sentinel_knows_is_unavailable_within_the_deadline(launch, silent_port):
    sentinel = launch("--sentinel", password="", **{"sentinel announce-ip": "127.0.0.1"})
    store = open_redis(f"redis+sentinel://{silent_port},{sentinel.address}/other", 0.2)
    with pytest.raises(RedisUnavailable):
        block_on(store.get(["a"]))
    store.close()


@pytest.mark.parametrize("place", ["h:1", "h:1/", "h:1/shop/two", "h:one/shop", ""])
def test_an_invalid_url_is_an_error_that_shows_no_password(place):
    with pytest.raises(SettingError) as raised:
        open_redis(f"redis+sentinel://:hunter2@{place}", 1.0)
    assert "hunter2" not in str(raised.value)
