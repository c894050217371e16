"""``make cluster``: the whole service on three hosts of this machine, in the foreground until Ctrl-C."""

import shutil
import sys
import time

from deploy.cluster.cluster import Cluster, running
from deploy.local.foreground import run_until_stopped
from deploy.local.instances import CHECKOUT
from deploy.local.parts import say
from deploy.local.places import Ports, RunDirectory
from deploy.local.processes import StackError
from deploy.local.seeding import SAMPLE_PRODUCTS, seed_commands
from service.settings import SettingError

_DIRECTORY = CHECKOUT / ".run" / "cluster"
_PREFERRED = {"nginx.1": [8080], "nginx.2": [8180], "watch": [8081]}


def serve() -> None:
    """Start everything with a sample catalogue, print the addresses, watch until a signal, then leave the logs only."""
    started, run, ports = time.monotonic(), RunDirectory(_DIRECTORY), Ports()
    with run.held():
        shutil.rmtree(run.logs, ignore_errors=True)
        root = run.servers() / "cluster"
        shutil.rmtree(root, ignore_errors=True)
        try:
            with running(root, run.logs, lambda name: ports.take(name, _PREFERRED.get(name, ())), _load, {}) as cluster:
                say("ready", f"after {time.monotonic() - started:.1f} s; logs in {run.logs}")
                print(*_invitation(cluster), sep="\n", flush=True)
                cluster.parts.watch()
        finally:
            shutil.rmtree(root, ignore_errors=True)


def _load(cluster: Cluster) -> None:
    for command in seed_commands(RunDirectory(_DIRECTORY)):
        cluster.parts.command(cluster.settings, *command)
    say("catalogue", f"a sample of {SAMPLE_PRODUCTS:,} products")


def _invitation(cluster: Cluster) -> list[str]:
    fronts = [f"  {nginx.url}/demo/1" for nginx in cluster.nginx]
    return [
        "",
        *fronts,
        f"  curl {cluster.nginx[0].url}/products/1",
        "",
        f"  http://{cluster.watch.address}/dashboard",
        "",
    ]


def main() -> int:
    """Run; an error is one message, without a traceback."""
    try:
        run_until_stopped(serve)
    except (StackError, SettingError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
