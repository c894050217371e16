"""A load that stops after a step, says so, and waits to be killed: URL DIR STEP."""

import sys
from pathlib import Path

from etl.console import Console
from etl.load import load


class Until(Console):
    def tell(self, done):
        if done.startswith(sys.argv[3]):
            print("there", flush=True)
            sys.stdin.read()


load(sys.argv[1], Path(sys.argv[2]), Until(sys.stderr))
