"""What the metrics and the line of the log cost, as shares of the CPU time of a request.

Each round handles a request without both, one with the metrics and one with the log, which is written to /dev/null. The
shares are those of the medians.

    .venv/bin/python -m bench.metrics [ROUNDS]
"""

import atexit
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.cycle import Product
from config import share_metrics
from telemetry import metrics


def main() -> None:
    """Print a table."""
    atexit.register(shutil.rmtree, share_metrics())
    metrics.enable()
    enabled = {metric: metric._metric for metric in metrics._declared}
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (It stays open until the end.)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as name:
        product = Product(Path(name))
        number = 0

        def change() -> None:
            nonlocal number
            number += 1
            email = f"new{number}@example.org"
            product.request_code(email)
            product.confirm(email, product.code_for(email), 200)

        for title, work in (("settings page", product.open_page), ("change", change)):
            seconds: dict[str, list[float]] = {"neither": [], "metrics": [], "log": []}
            work()
            for _ in range(rounds):
                for state, found in seconds.items():
                    for metric, real in enabled.items():
                        metric._metric = real if state == "metrics" else None
                    logging.getLogger("cms.requests").disabled = state != "log"
                    found.append(measure(work))
            base = median(seconds["neither"])
            shares = ", ".join(f"{state} {median(seconds[state]) / base - 1:+.1%}" for state in ("metrics", "log"))
            sys.stdout.write(f"{title:15} {base * 1e3:5.2f} ms: {shares}\n")


def measure(work: Callable[[], None]) -> float:
    """Return the CPU seconds of a request."""
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
