"""Counts what a task and an idle worker ask of the services: `python -m tests.bench.scale_operations`.

A real site and a real worker, a process each, on the broker double (which counts operations) and Azurite (behind a
proxy that counts requests). Writes tests/bench/scale_operations.json, which `tests.bench.scale` reckons with. What is
counted is exact and does not depend on the machine's speed; the services' own price lists may count otherwise.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import ssl
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from codalab_nb import Options, Site
from tests.support.azurite import serve
from tests.support.fault_proxy import FaultProxy, Line
from tests.support.home import Home, wait_for
from tests.support.notebooks import write
from tests.support.pools import Azure, Command, azure, worker

RESULT = Path(__file__).with_name("scale_operations.json")
TASKS, IDLE_S, LONG_S = 20, 60.0, 30.0
_SETTLE_S = 2.0  # what is done after the verdict belongs to the task


class Counting:
    """Operations of both services over a stretch of time."""

    def __init__(self, operator: Azure, proxy: FaultProxy) -> None:
        admin = operator.connection.split("sb://")[1].split(";")[0]
        self._control = f"https://{admin}/control"
        self._trusted = ssl.create_default_context(cafile=operator.certificate)
        self._proxy = proxy

    def over(self, action: Callable[[], object]) -> tuple[Counter[str], list[Line]]:
        before = self._broker()
        with self._proxy.counting() as lines:
            action()
        return self._broker() - before, lines

    def _broker(self) -> Counter[str]:
        with urllib.request.urlopen(self._control, context=self._trusted, timeout=10) as answer:
            return Counter(json.load(answer)["all"])


def told(counted: tuple[Counter[str], list[Line]], divided_by: float) -> dict[str, Any]:
    operations, lines = counted
    requests = Counter(f"{'worker' if 'sig=' in line.path else 'site'} {line.operation}" for line in lines)
    both = {"queue": operations, "store": requests}
    return {name: {kind: round(n / divided_by, 3) for kind, n in sorted(one.items())} for name, one in both.items()}


def connections(pid: int, port: int) -> int:
    return sum(bool(one.raddr) and one.raddr.port == port for one in psutil.Process(pid).net_connections("tcp"))


def measure(site: Site, counting: Counting, folder: Path) -> dict[str, Any]:
    light = write(folder / "light.ipynb", "print(1)")
    options = Options(pool="lab", timeout_s=600)

    def run(notebook: Path, times: int, *, watched: bool = False) -> None:
        for _ in range(times):
            task = site.run(notebook, options=options)
            if watched:
                task.wait(120)
            wait_for(lambda task=task: not task.row.is_open)  # the ledger: asks no service
            assert task.verdict == "succeeded", task
        time.sleep(_SETTLE_S)

    run(light, 2)  # the first opens links and warms kernels
    long = write(folder / "long.ipynb", f"import time\ntime.sleep({LONG_S})")
    return {
        "task": told(counting.over(lambda: run(light, TASKS)), TASKS),
        "idle_second": told(counting.over(lambda: time.sleep(IDLE_S)), IDLE_S),
        "long_task": told(counting.over(lambda: run(long, 1)), 1),
        "watched_task": told(counting.over(lambda: run(long, 1, watched=True)), 1),
    }


def main() -> None:
    with (
        serve() as account,
        FaultProxy(account.url) as proxy,
        tempfile.TemporaryDirectory(prefix="scale-") as name,
        azure(dataclasses.replace(account, url=proxy.url), Path(name)) as operator,
        Home(Path(name) / "home", CODALAB_NB_HEARTBEAT="1") as home,
    ):
        command = Command(home, operator)
        command.create("lab")
        port = int(operator.broker.rpartition(":")[2])
        with worker(command.invite("lab"), Path(name) / "worker") as process, home.site(serve=True) as site:
            found = measure(site, Counting(operator, proxy), Path(name))
            found["connections"] = {
                "worker": connections(process.pid, port),
                "site": sum(connections(pid, port) for pid in (*home.processes(), psutil.Process().pid)),
            }
            found["connections"]["site"] -= found["connections"]["worker"] * (process.pid in home.processes())
        found |= {
            "measured_at": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
            "idle_s": IDLE_S,
            "long_s": LONG_S,
            "tasks": TASKS,
        }
        RESULT.write_text(json.dumps(found, indent=1) + "\n")
        print(RESULT.read_text(), end="", flush=True)


if __name__ == "__main__":
    main()
