"""Two hosts beside this one: network namespaces where that is allowed, else further addresses of the loopback."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from deploy.local.instances import Instance

_NETWORK = "198.18.77"  # RFC 2544: for tests of devices
_BRIDGE = "overview-test"


class Host(NamedTuple):
    """Its ``address``, that of this machine as it sees it, and the words before a command that is to run on it."""

    address: str
    gateway: str
    prefix: Sequence[str] = ()


class HostInstance(Instance):
    """An instance on a host, at a port of the host's address."""

    def __init__(self, host: Host, port: int, log: Path, settings: Mapping[str, str]) -> None:
        super().__init__(port, log, settings, f"web {host.address}:{port}")
        self.command = [*host.prefix, *self.command[:-1], self.command[-1].replace("127.0.0.1:", f"{host.address}:")]
        self.address = self.upstream = f"{host.address}:{port}"


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host]]:
    """Make them, and remove them at the end."""
    with ExitStack() as undoing:
        try:
            hosts = _namespaces(undoing)
        except (OSError, subprocess.CalledProcessError):
            undoing.close()
            hosts = Host("127.0.0.2", "127.0.0.1"), Host("127.0.0.3", "127.0.0.1")
        yield hosts


def _namespaces(undoing: ExitStack) -> tuple[Host, Host]:
    """Raises OSError or CalledProcessError where they are not to be had."""
    if os.geteuid() != 0:
        raise PermissionError
    _ip("link", "add", _BRIDGE, "type", "bridge")
    undoing.callback(_ip, "link", "delete", _BRIDGE)
    _ip("address", "add", f"{_NETWORK}.1/24", "dev", _BRIDGE)
    _ip("link", "set", _BRIDGE, "up")
    return _namespace(2, undoing), _namespace(3, undoing)


def _namespace(number: int, undoing: ExitStack) -> Host:
    name = f"{_BRIDGE}-{number}"
    _ip("netns", "add", name)
    undoing.callback(_ip, "netns", "delete", name)  # with its end of the link, which takes the other end along
    _ip("link", "add", f"overview-{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
    _ip("link", "set", f"overview-{number}", "master", _BRIDGE, "up")
    for arguments in (["address", "add", f"{_NETWORK}.{number}/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
        _ip("-netns", name, *arguments)
    return Host(f"{_NETWORK}.{number}", f"{_NETWORK}.1", ("ip", "netns", "exec", name))


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=10)
