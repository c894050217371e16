"""An instance over a cluster that is reached by TLS, as the cluster announces it.

The server of the tests may not speak it itself, so that something in front of each master does.
"""

import ssl

import pytest

from tests.chaos.proxy import FaultProxy
from tests.chaos.waits import wait_until
from tests.integration.clusters import PASSWORD
from tests.worker.test_cluster import IDS, outcomes_of


@pytest.fixture
def addresses(cluster, certificate, free_port):
    """Where the masters speak TLS, and nowhere else as far as the cluster says."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    proxies, ports = [], [free_port(f"tls of {master.port}") for master in cluster.masters]
    for master, port in zip(cluster.masters, ports, strict=True):
        proxies.append(FaultProxy(port, master.address, tls=context))
        proxies[-1].start()
        master.client.config_set("cluster-announce-port", port)
    wait_until(lambda: all({port for _, _, port in master.owners} == set(ports) for master in cluster.masters))
    yield ",".join(proxy.address for proxy in proxies)
    for proxy in proxies:
        proxy.stop()


def test_it_is_filled_and_read_by_who_trusts_it(cluster, addresses, launch, certificate, other_certificate):
    trusting, other = (
        launch(REDIS_URL=f"rediss+cluster://:{PASSWORD}@{addresses}?ssl_ca_certs={trusted}", LOG_LEVEL="DEBUG")
        for trusted, _ in (certificate, other_certificate)
    )
    assert outcomes_of(other, IDS) == {"bypass"}
    assert not any(master.client.keys("*") for master in cluster.masters)
    assert "miss" in outcomes_of(trusting, IDS)
    wait_until(lambda: outcomes_of(trusting, IDS) == {"hit"})
    assert all(master.client.dbsize() > 1 for master in cluster.masters)
    assert outcomes_of(other, IDS) == {"bypass"}
    for instance in (trusting, other):
        said = instance.log.read_text("utf-8")
        assert said
        assert PASSWORD not in said
