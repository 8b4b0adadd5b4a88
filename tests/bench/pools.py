"""A light task far away beside one here, in one run, interleaved: `python -m tests.bench.pools`.

light        submit → queue → worker → verdict → result read back, over the broker double and Azurite, with a warm
             worker that joined by its invite, beside the same in embedded mode; median and 95th percentile
operations   what one such task costs, counted at the broker and at a proxy before the storage account: for the site
             and the worker together, with somebody who waits for it
idle         what a worker and a site that wait cost in a minute

The network is this machine's own and the services are emulators: times say what our side adds, operations are exact.
Nothing here fails a test.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from codalab_nb import Options, Site
from tests.support import azurite
from tests.support.fault_proxy import FaultProxy
from tests.support.home import Home
from tests.support.notebooks import write
from tests.support.pools import Azure, Command, azure, worker

_PAUSE_S = 0.6  # as between two clicks: the next kernel gets warm


def light(site: Site, notebook: Path, pool: str) -> float:
    start = time.perf_counter()
    task = site.run(notebook, options=Options(pool=pool))
    if task.verdict != "succeeded" or task.notebook is None:
        raise SystemExit(f"{task!r}: {task.reason}")
    task.notebook.read_bytes()
    return time.perf_counter() - start


def told(name: str, seconds: list[float]) -> None:
    ms = sorted(1000 * one for one in seconds)
    p95 = ms[min(len(ms) - 1, round(len(ms) * 0.95))]
    print(f"light  {name:10} median {statistics.median(ms):7.0f} ms   p95 {p95:7.0f} ms   max {ms[-1]:7.0f} ms")


def compare(site: Site, notebook: Path, pools: tuple[str, ...], rounds: int) -> None:
    seconds: dict[str, list[float]] = {pool: [] for pool in pools}
    for done in range(rounds):
        for pool in pools:
            print(f"\r{done + 1} of {rounds}, {pool} …".ljust(40), end="", file=sys.stderr, flush=True)
            time.sleep(_PAUSE_S)
            seconds[pool].append(light(site, notebook, pool))
    print("\r".ljust(41), end="\r", file=sys.stderr)
    for pool, values in seconds.items():
        told("embedded" if pool == "local" else "far away", values)


class Counts:
    """Operations since it was made, by what the price lists call them."""

    def __init__(self, operator: Azure, proxy: FaultProxy) -> None:
        self._operator, self._proxy = operator, proxy
        self._before = self._queues()
        proxy.journal.clear()

    def _queues(self) -> Counter[str]:
        return Counter(self._operator.control()["all"])

    def tell(self, name: str, number: int) -> None:
        queues = self._queues() - self._before
        store = Counter(line.operation for line in self._proxy.journal)
        for label, counted in (("queues", queues), ("store", store)):
            each = ", ".join(f"{kind} {count / number:.1f}" for kind, count in sorted(counted.items()))
            print(f"{name}  {label:7} {sum(counted.values()) / number:5.1f}: {each}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--idle", type=float, default=60.0, help="seconds of the look at those who wait")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, azurite.serve() as account:
        folder = Path(name)
        with azure(account, folder) as operator, Home(folder / "home", CODALAB_NB_HEARTBEAT="1") as home:
            notebook = write(folder / "light.ipynb", "print(1)")
            command = Command(home, operator)
            command.create("far")
            with worker(command.invite("far"), folder / "w"), home.site(serve=True) as site:
                for pool in ("far", "local") * 3:
                    light(site, notebook, pool)
                compare(site, notebook, ("far", "local"), chosen.rounds)
        with FaultProxy(account.url) as proxy:
            counted = dataclasses.replace(account, url=proxy.url)
            (folder / "counted").mkdir()
            with azure(counted, folder / "counted") as operator, Home(folder / "counted-home") as home:
                command = Command(home, operator)
                command.create("far")
                with worker(command.invite("far"), folder / "w2"), home.site(serve=True) as site:
                    for _ in range(3):
                        light(site, notebook, "far")
                    counts = Counts(operator, proxy)
                    for _ in range(10):
                        light(site, notebook, "far")
                    counts.tell("one task", 10)
                    counts = Counts(operator, proxy)
                    time.sleep(chosen.idle)
                    counts.tell(f"{chosen.idle:.0f} s of waiting", 1)


if __name__ == "__main__":
    main()
