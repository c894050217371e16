"""How long a browser waits for a product page's data over a link of 40 ms: ``python -m tests.browser.loading``.

One request, and the calls that it replaces: three, and then two for each related product. On the running stack.
"""

import statistics
import sys

from deploy.local.instances import CHECKOUT
from deploy.local.places import RunDirectory
from tests.browser.watched import chromium

ROUND_TRIP_MS = 40
TIMES = 15

_LOAD = """async ([id, isOne]) => {
  const get = async (path) => (await fetch(path, { cache: "no-store" })).json();
  const began = performance.now();
  if (isOne) await get(`/products/${id}/page`);
  else {
    const own = [get(`/products/${id}`), get(`/products/${id}/styles`), get(`/products/${id}/related`)];
    const related = (await Promise.all(own))[2];
    const others = new Set(related);
    await Promise.all([...others].flatMap((each) => [get(`/products/${each}`), get(`/products/${each}/styles`)]));
  }
  return performance.now() - began;
}"""


def main() -> int:
    """Print medians of both, for a product with as many related ones as the average."""
    settings = RunDirectory(CHECKOUT / ".run").environment()
    if not settings:
        print("the stack is not running: make up", file=sys.stderr)
        return 1
    product_id = sys.argv[1] if len(sys.argv) > 1 else "1"
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{settings['BASE_URL']}/livez")
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        limits = {"offline": False, "latency": ROUND_TRIP_MS, "downloadThroughput": -1, "uploadThroughput": -1}
        session.send("Network.emulateNetworkConditions", limits)
        found: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(TIMES):
            for is_one, times in found.items():
                times.append(page.evaluate(_LOAD, [product_id, is_one]))
    for is_one, times in found.items():
        print(f"{'one request' if is_one else 'its parts'}: {statistics.median(times):.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
