"""Starts the whole stack in order, watches it, and stops it in reverse order."""

import contextlib
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from deploy.local import probes
from deploy.local.instances import Instance, Process, Watch, procfile
from deploy.local.parts import Parts, say
from deploy.local.places import Ports, RunDirectory
from deploy.local.processes import Child, StackError
from deploy.local.seeding import SAMPLE_PRODUCTS, seed_commands
from deploy.local.servers import Nginx, Postgres, Redis, reachable
from service import nginx_conf
from service.settings import Settings, texts

_PREFERRED_PORT, _PREFERRED_OPERATIONS_PORT = 8080, 8081
_OTHER_CONNECTIONS = 30  # of invalidator, sweeper, watch process, loader, psql and Postgres itself


class Supervisor:
    """One run of the stack in a RunDirectory."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        before = run.state()
        self.before = run.environment()
        self.private_before = before.get("ports", {})
        self.ports = Ports(self.private_before)
        self.settings = {name: text for name, text in texts(os.environ).items() if text}
        self.parts = Parts(run.logs)

    def serve(self) -> None:
        """Start everything, print the addresses, watch until a signal's exception, then stop everything."""
        started = time.monotonic()
        with self.run.held(), contextlib.ExitStack() as stopping:
            stopping.callback(self.parts.stop)
            self._start()
            say("ready", f"after {time.monotonic() - started:.1f} s; logs in {self.run.logs}")
            for line in invitation(self.settings):
                print(line, flush=True)
            self.run.write_state({"pid": os.getpid(), "ports": self.ports.given, "parts": self._described()})
            self.parts.watch()

    def _start(self) -> None:
        self.run.write_state({"ports": self.private_before})
        for old in self.run.logs.glob("*.log"):
            old.unlink()
        self._stores()
        self._addresses()
        self._prepare_catalogue()
        self._front()
        if ended := [part for part in self.parts if not part.alive()]:
            raise StackError("\n".join(part.report() for part in ended))

    def _stores(self) -> None:
        root = self.run.servers() / "stack"
        if not self._theirs("DATABASE_URL", "postgres"):
            postgres = Postgres(
                root, self.ports.take("postgres"), self.parts.log("postgres"), connections=_connections()
            )
            self.parts.begin(postgres)
            self.settings["DATABASE_URL"] = postgres.url
        if not self._theirs("REDIS_URL", "redis"):
            redis = Redis(root, self.ports.take("redis"), self.parts.log("redis"))
            self.parts.begin(redis)
            self.settings["REDIS_URL"] = redis.url
        for part, probe, name in (("postgres", probes.postgres, "DATABASE_URL"), ("redis", probes.redis, "REDIS_URL")):
            if part not in self.ports.given:
                probe(self.settings[name])
                say(part, f"yours, from {name}")

    def _theirs(self, setting: str, part: str) -> bool:
        """Whether the user set a URL; the private server's URL, from a sourced ``.run/env``, does not count."""
        ours = part in self.private_before and self.settings.get(setting) == self.before.get(setting)
        return setting in self.settings and not ours

    def _addresses(self) -> None:
        settings = self.settings
        if "LISTEN" not in settings:
            settings["LISTEN"] = f"127.0.0.1:{self.ports.take('nginx', [_PREFERRED_PORT])}"
        self.web = {name: self.ports.take(name) for name in (f"web.{n + 1}" for n in range(_cores()))}
        settings["INSTANCES"] = ",".join(f"unix:{self._socket(name)}" for name in self.web)
        settings["BASE_URL"] = f"http://{reachable(settings['LISTEN'])}"
        if "OPERATIONS" not in settings:
            settings["OPERATIONS"] = f"127.0.0.1:{self.ports.take('watch', [_PREFERRED_OPERATIONS_PORT])}"
        settings["OPERATIONS_URL"] = f"http://{reachable(settings['OPERATIONS'])}"
        settings.setdefault("NGINX_ACCESS_LOG", str(self.run.nginx_access_log()))
        settings.setdefault("DEMO", "on")
        if "CART_SECRET" not in settings:
            settings["CART_SECRET"] = self.before.get("CART_SECRET") or secrets.token_hex(32)
        Settings.from_env(settings)
        self.run.write_environment(settings)

    def _prepare_catalogue(self) -> None:
        self.parts.command(self.settings, "-m", "migrations")
        say("migrations", "applied")
        with probes.query(self.settings["DATABASE_URL"]) as cursor:
            cursor.execute("TABLE products LIMIT 1")
            if cursor.fetchone():
                return
        say("catalogue", f"empty: making a sample of {SAMPLE_PRODUCTS:,} products")
        for command in seed_commands(self.run):
            self.parts.command(self.settings, *command)
        say("catalogue", f"loaded, report in {self.run.report}")

    def _front(self) -> None:
        of_web = [
            (port, self.parts.log(name), self.settings, name, self._socket(name)) for name, port in self.web.items()
        ]
        behind: list[Child] = [Instance(*each) for each in of_web]
        of_others = [kind for kind in procfile() if kind not in ("web", "watch")]
        behind += [Process(kind, self.parts.log(kind), self.settings) for kind in of_others]
        values = nginx_conf.values(Settings.from_env(self.settings))
        self.parts.begin(*behind)
        self.parts.begin(Nginx(self.run.servers() / "stack", self.parts.log("nginx"), values))
        self.parts.begin(Watch(self.parts.log("watch"), self.settings))

    def _socket(self, name: str) -> Path:
        return self.run.sockets() / f"{name}.sock"

    def _described(self) -> list[dict[str, object]]:
        return [{"name": part.name, "pid": part.pid, "address": part.address} for part in self.parts]


def invitation(settings: Mapping[str, str]) -> list[str]:
    """Return the lines with the address of a running stack, example requests, and the pages to look at."""
    url, dashboard = settings["BASE_URL"], f"{settings['OPERATIONS_URL']}/dashboard"
    demo = [f"\n  {url}/demo/1"] if Settings.from_env(settings).demo else []
    examples = [f"  curl {url}/products/1", f"  curl {url}/products/1/styles"]
    return [f"\n  {url}\n", *examples, *demo, f"\n  {dashboard}\n"]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _connections() -> int:
    pool = int(os.environ.get("POSTGRES_CONNECTIONS") or Settings.__dataclass_fields__["postgres_connections"].default)
    return max(100, _cores() * pool + _OTHER_CONNECTIONS)
