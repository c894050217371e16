"""What nginx' access log says of who answered, and that the watch process counts it."""

from collections import Counter

from service.watch.nginx_log import NginxLog
from service.watch.series import ANSWERERS, NGINX_REQUESTS, of
from tests.chaos.waits import wait_until
from tests.integration.requests import ask
from tests.integration.upstream import Upstream, die, serving


class Counted:
    """Requests to an nginx by who answered them, as its log has them by and by."""

    def __init__(self, nginx):
        path = nginx.prefix / "access.log"
        wait_until(lambda: path.stat().st_size > 0)  # the probe of who started it
        self.log = NginxLog(str(path))
        self.counts = self.log.look()

    def waited_for(self, asked):
        try:
            wait_until(lambda: self.look() == asked)
        finally:
            self.log.close()

    def look(self):
        self.counts.update(self.log.look())
        return {who: count for who in ANSWERERS if (count := self.counts[of(NGINX_REQUESTS, answered_by=who)[0]])}


def test_it_names_who_answered(nginx_server, upstream):
    with serving(Upstream(answer=lambda _: (200, {}, b""))) as old:
        nginx = nginx_server(upstream.address, old_api=f"http://{old.address}", micro_cache=True, cart_rate=1)
        counted = Counted(nginx)
        asked = Counter()
        for _ in range(8):
            found = ask(nginx, "/products/1")
            asked["cache" if found.headers.get("X-Micro-Cache") else "instance"] += 1
        assert asked["cache"]
        paths = {"/cart": "instance", "/livez": "instance", "/reviews": "old-api", "/metrics": "nginx"}
        for path, who in paths.items():
            ask(nginx, path)
            asked[who] += 1
        old.answer = upstream.answer = die
        for path in ("/reviews", "/cart"):  # nginx answers with a problem
            assert ask(nginx, path).status == 503
            asked["nginx"] += 1
        ask(nginx, "/products/1", method="TRACE")
        asked["nginx"] += 1
        counted.waited_for(asked)


def test_without_the_micro_cache_instances_answer_all(nginx_server, upstream):
    nginx = nginx_server(upstream.address)
    counted = Counted(nginx)
    for _ in range(8):
        ask(nginx, "/products/1")
    counted.waited_for({"instance": 8})
