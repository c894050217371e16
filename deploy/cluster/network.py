"""Hosts of a cluster: network namespaces on a bridge where root may make them, else this machine for all."""

import ctypes
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from deploy.local.hosts import LOCAL, Host
from deploy.local.parts import say
from deploy.local.processes import StackError

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_NETWORKS = range(100)
_COMMAND_SECONDS = 10


class Namespace(Host):
    """A network namespace with an address of a private range, linked to the bridge by ``link``."""

    def __init__(self, name: str, link: str, ip: str, outside: str) -> None:
        self.name, self.link, self.ip, self.outside = name, link, ip, outside

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Have this thread, and what it starts, be in the namespace."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            there = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
            try:
                _enter(there)
                yield
            finally:
                os.close(there)
                _enter(here)
        finally:
            os.close(here)

    def cut_off(self) -> None:
        """Lose every packet to and from it, without a word to anybody."""
        _ip("link", "set", self.link, "down")

    def connect(self) -> None:
        """Undo ``cut_off``."""
        _ip("link", "set", self.link, "up")


@contextmanager
def hosts(names: Sequence[str]) -> Iterator[Mapping[str, Host]]:
    """Give a host for each name; namespaces are gone at the end."""
    with ExitStack() as removing:
        try:
            made = _namespaces(names, removing) if os.geteuid() == 0 else None
        except StackError as error:
            removing.close()
            say("network", f"all hosts are this machine: {error}")
            made = None
        yield made or dict.fromkeys(names, LOCAL)


def _namespaces(names: Sequence[str], removing: ExitStack) -> Mapping[str, Host]:
    bridge, network = _bridge()
    removing.callback(_ip, "link", "delete", bridge)
    outside = f"{network}.254"
    _ip("address", "add", f"{outside}/24", "dev", bridge)
    _ip("link", "set", bridge, "up")
    made = {}
    for number, name in enumerate(names, 1):
        link = _linked(bridge, f"{network}.{number}", name, removing)
        made[name] = Namespace(link, link, f"{network}.{number}", outside)
    return made


def _bridge() -> tuple[str, str]:
    """Make one that no other cluster has; return its name and the network's first three numbers."""
    error: Exception | None = None
    for number in _NETWORKS:
        try:
            _ip("link", "add", f"overview{number}", "type", "bridge")
        except StackError as failure:
            error = failure
        else:
            return f"overview{number}", f"10.86.{number}"
    raise StackError(str(error))


def _linked(bridge: str, ip: str, host: str, removing: ExitStack) -> str:
    """Make a namespace, and the link between it and the bridge; return the name of both."""
    name = link = f"{bridge}-{host}"
    _ip("netns", "add", name)
    removing.callback(_ip, "netns", "delete", name)  # takes both ends of the link along
    _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
    _ip("link", "set", link, "master", bridge, "up")
    _ip("-netns", name, "address", "add", f"{ip}/24", "dev", "eth0")
    for device in ("lo", "eth0"):
        _ip("-netns", name, "link", "set", device, "up")
    return name


def _enter(namespace: int) -> None:
    if _LIBC.setns(namespace, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise StackError(f"a network namespace cannot be entered: {os.strerror(number)}")


def _ip(*arguments: str) -> None:
    try:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=_COMMAND_SECONDS)
    except OSError as error:
        raise StackError(f"ip cannot be run: {error.strerror}") from None
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
        raise StackError(f"ip {' '.join(arguments)} failed: {said}") from None
