"""``make fuzz``: 100,000 requests made of the contract and 100,000 of damaged bytes, to a stack of its own.

Ends by itself, with 1 if an answer was 5xx or broke the contract, or if a request had no end.
"""

import argparse
import secrets
import signal
import sys
import tempfile
from pathlib import Path
from random import Random

from deploy.local.instances import CHECKOUT
from deploy.local.places import Ports, RunDirectory
from tests.fuzz import contract, raw
from tests.fuzz.stack import fuzzed

CASES = 100_000
EXAMPLES = 300  # of each operation, between two lines of figures


def of_contract(url: str, directory: Path, cases: int, random: Random) -> bool:
    done = errors = broken = hung = 0
    while done < cases:
        found = contract.run(url, directory, EXAMPLES, seed=random.randrange(2**32))
        done, errors = done + found.cases, errors + found.server_errors
        broken, hung = broken + found.broken, hung + found.hung
        if found.unmade or not found.is_clean:
            print(found.failures())
        print(f"contract  {done:,} requests, {errors} of 5xx, {broken} break the contract, {hung} hung", flush=True)
    return not (errors or broken or hung)


def of_bytes(addresses: list[str], cases: int, random: Random) -> bool:
    counted = raw.run(addresses, cases, random)
    by_status = ", ".join(f"{name}: {count:,}" for name, count in sorted(counted.items()))
    print(f"bytes     {cases:,} requests, {raw.server_errors(counted)} of 5xx, {counted['hung']} hung ({by_status})")
    return not (raw.server_errors(counted) or counted["hung"])


def main() -> int:
    """Send all; whatever was started ends with this process, also when it is told to end."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda number, _: sys.exit(128 + number))
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    arguments = parser.parse_args()
    print(f"seed      {arguments.seed}")
    random = Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=RunDirectory(CHECKOUT / ".run").servers()) as name:
        root = Path(name)
        root.chmod(0o755)
        with fuzzed(root, Ports().take) as service:
            addresses = [service.nginx.address, service.instances[0].address]
            results = [
                of_bytes(addresses, arguments.cases, random),
                of_contract(service.nginx.url, root, arguments.cases, random),
                service.states() == ["ok", "ok"],
            ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
