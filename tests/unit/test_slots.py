import pytest
from redis.crc import key_slot

from service.cache.redis import open_redis
from service.cache.redis_server import servers_of
from service.cache.slots import SLOTS, epoch_names, slot_of
from service.settings import SettingError


def test_a_name_is_in_the_slot_that_the_driver_says():
    assert all(slot_of(name) == key_slot(name.encode()) for name in (f"overview:product:{n}" for n in range(1000)))


def test_the_names_of_an_epoch_are_in_the_slots_of_its_master():
    names = epoch_names([(0, 99), (200, 299)])
    assert len(set(names)) == 2
    assert all(key_slot(name.encode()) in {*range(100), *range(200, 300)} for name in names)
    assert len(epoch_names([(7, 7)])) == 1


def test_a_slot_that_leaves_seldom_changes_the_name_of_the_epoch():
    first, *_ = epoch_names([(0, 99)])
    others = [epoch_names([(0, slot - 1), (slot + 1, 99)])[0] for slot in range(1, 99)]
    assert others.count(first) >= len(others) - 1
    gained = [epoch_names([(0, 99), (slot, slot)])[0] for slot in range(100, SLOTS, 50)]
    assert gained.count(first) > 0.95 * len(gained)


@pytest.mark.parametrize("path", ["/0", "/", ""])
def test_a_url_names_several_servers_with_the_options_of_all(path):
    servers, found = servers_of(f"rediss+cluster://me:a%2Cb@one:1,two:2{path}?ssl_ca_certs=/a/b.pem", "cluster")
    assert [one.address for one in servers] == [("one", 1), ("two", 2)]
    assert found == path
    for one in servers:
        assert one._tls
        assert [one._options[name] for name in ("username", "password", "ssl_ca_certs")] == ["me", "a,b", "/a/b.pem"]


@pytest.mark.parametrize("rest", [":hunter2@one:1/3", ":hunter2@one:1,two:x", ":hunter2@one:1?unknown=1"])
def test_an_invalid_url_is_an_error_that_shows_no_password(rest):
    with pytest.raises(SettingError) as raised:
        open_redis(f"redis+cluster://{rest}", 1.0)
    assert "hunter2" not in str(raised.value)
