"""Which server a connection is to: several hosts, silent ones among them, and one that no longer takes writes."""

import time
from urllib.parse import urlsplit

import pytest

from service.coroutines import block_on
from service.errors import PostgresUnavailable
from service.postgres import Call, Statement
from service.settings import SettingError
from tests.chaos.waits import wait_until
from tests.integration.pools import PROCESS, ran


@pytest.mark.parametrize("silent_first", [True, False])
def test_of_several_hosts_one_that_is_silent_leaves_time_for_the_others(
    make_pool, postgres_server, black_hole, silent_first
):
    hosts = [urlsplit(black_hole).netloc.rpartition("@")[2], postgres_server.address]
    pool = make_pool(timeout_seconds=2.0, url=with_hosts(postgres_server.url, hosts if silent_first else hosts[::-1]))
    for _ in range(2):
        assert block_on(pool.run(Call(PROCESS)))
        pool.close()  # idle connections, so that the next call connects
    began = time.monotonic()
    assert block_on(pool.run(Call(PROCESS)))
    assert time.monotonic() - began < 0.5  # the host that answered last is the first to be tried


def test_hosts_of_which_none_answers_are_given_up_at_the_deadline(make_pool, black_hole):
    place = urlsplit(black_hole).netloc.rpartition("@")[2]
    began = time.monotonic()
    with pytest.raises(PostgresUnavailable):
        block_on(make_pool(timeout_seconds=0.4, url=with_hosts(black_hole, [place] * 3)).run(Call(PROCESS)))
    assert time.monotonic() - began < 1.0


def with_hosts(url, hosts):
    before, _, after = url.partition("@")
    return f"{before}@{','.join(hosts)}/{after.partition('/')[2]}"


@pytest.mark.parametrize("url", ["postgresql://a:1,b:2,c:3x/db", "mysql://a", "postgresql://a/b?nonsense=1"])
def test_an_address_that_libpq_does_not_know_is_a_wrong_setting(make_pool, url):
    with pytest.raises((SettingError, PostgresUnavailable)) as raised:
        block_on(make_pool(url=url, timeout_seconds=0.2).run(Call(PROCESS)))
    assert url not in str(raised.value)


def test_another_number_of_ports_than_of_hosts_is_a_wrong_setting(make_pool):
    with pytest.raises(SettingError, match="ports"):
        make_pool(url="host=a,b,c port=1,2 dbname=d")


class TestDemoted:
    """A primary that takes no more writes, whose connections stay open."""

    @pytest.fixture
    def demote(self, administrator, database_url):
        """All sessions of the server learn of it, as of any change of its configuration."""

        def demote():
            administrator.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            administrator.execute("SELECT pg_reload_conf()")

        yield demote
        self.promote(administrator)

    def promote(self, administrator):
        administrator.execute("SET default_transaction_read_only = off")
        administrator.execute("ALTER SYSTEM RESET default_transaction_read_only")
        administrator.execute("SELECT pg_reload_conf()")

    def test_idle_connections_to_it_are_used_no_more_where_one_that_writes_is_wanted(
        self, make_pool, administrator, database_url, demote
    ):
        pool = make_pool(url=f"{database_url}?target_session_attrs=read-write", timeout_seconds=1.0)
        assert block_on(pool.run(Call(PROCESS)))
        demote()
        wait_until(lambda: not ran(pool))
        self.promote(administrator)
        wait_until(lambda: ran(pool))

    def test_a_write_that_it_refuses_is_an_outage_and_the_next_call_connects_anew(
        self, make_pool, administrator, database_url, demote
    ):
        administrator.execute("CREATE TABLE kept (n int)")
        insert, pool = Statement("insert_kept", "INSERT INTO kept VALUES (1)"), make_pool(size=2)
        ((process,),) = block_on(pool.run(Call(PROCESS)))
        administrator.execute(
            "ALTER DATABASE CURRENT SET default_transaction_read_only = on".replace(
                "CURRENT", f'"{database_url.rpartition("/")[2]}"'
            )
        )
        pool.close()
        with pytest.raises(PostgresUnavailable):
            block_on(pool.run(Call(insert)))
        administrator.execute(f'ALTER DATABASE "{database_url.rpartition("/")[2]}" RESET default_transaction_read_only')
        assert block_on(pool.run(Call(insert))) == []
        assert block_on(pool.run(Call(PROCESS))) != [(process,)]
