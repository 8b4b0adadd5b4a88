"""Pools on paper: what three sizes ask of Azure, and what breaks first. `python -m tests.bench.scale [--write]`.

A simulation by discrete events: tasks arrive over a day, wait in their pool's queue, and are done by its workers. What
a task, a second of running and an idle worker cost in operations was measured (`tests.bench.scale_operations`); quotas
and prices are the figures below, whose sources docs/understand/scale.md names. `--write` puts the table there.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

MEASURED = Path(__file__).with_name("scale_operations.json")
NOTE = Path(__file__).parents[2] / "docs/understand/scale.md"
BEGIN, END = "<!-- table: python -m tests.bench.scale --write -->\n", "<!-- end of table -->\n"

# Quotas, for each namespace or account.
CONNECTIONS, CREDITS_A_SECOND, QUEUES = 5_000, 1_000, 10_000
PREMIUM_QUEUES, PREMIUM_BYTES, UNITS = 1_000, 4e6, (1, 2, 4, 8, 16)  # for each messaging unit; units of a namespace
REQUESTS_A_SECOND = 20_000
FILL = 0.7  # how full we would let any of them become

# Dollars. Operations and connections beyond what is included, by the month: (up to, each).
BASE_A_MONTH, UNIT_A_MONTH = 9.81, 677.0
OPERATION_STEPS = ((13e6, 0.0), (100e6, 0.8e-6), (2_500e6, 0.5e-6), (math.inf, 0.2e-6))
CONNECTION_STEPS = ((1e3, 0.0), (1e5, 0.03), (math.inf, 0.025))
WRITE, READ, GB_MONTH = 0.055 / 1e4, 0.0044 / 1e4, 0.0208

# Assumptions, not measured.
MESSAGE_BYTES = 2_000  # with its properties
KEPT_GB = 0.002  # of a task's files, for a month
WATCHED = 0.2  # of the time that tasks run, somebody waits for them or looks on
BETWEEN_S = 0.5  # from one task to the next on the same worker: claim, fetch, publish over a network
DAY_S, MONTH_DAYS = 86_400.0, 30.4
SAMPLE = 60  # pools that are simulated event by event where there are many; the others are like them

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Size:
    name: str
    pools: int
    workers: int
    tasks: int  # in the day
    mean_s: float  # of a task
    shape: Callable[[Array], Array]  # how busy each moment of the day is, relative to the others


def working_hours(t: Array) -> Array:
    return np.where((t > 9 * 3600) & (t < 18 * 3600), 1.0, 0.05)


def deadline(t: Array) -> Array:
    """The last day: twice as busy every two hours, until midnight."""
    return 0.05 + np.exp2((t - DAY_S) / 7200)


def day_and_night(t: Array) -> Array:
    return 1 - 0.5 * np.cos(2 * np.pi * t / DAY_S)


SIZES = (
    Size("a lab", 1, 5, 500, 120.0, working_hours),
    Size("a competition, its last day", 1, 200, 50_000, 60.0, deadline),
    Size("the internet", 1_000, 10_000, 10_000_000, 30.0, day_and_night),
)


@dataclass(frozen=True)
class Day:
    """What happened: how long tasks waited, and how many began in the busiest minute, each second, all pools."""

    waited_s: Array
    peak: float
    busy: float  # share of the workers' day


def arrivals(rng: np.random.Generator, size: Size, tasks: int) -> Array:
    moments = np.linspace(0, DAY_S, 24 * 60 + 1)
    density = size.shape(moments)
    reached = np.concatenate(([0.0], np.cumsum((density[1:] + density[:-1]) / 2)))
    return np.sort(np.interp(rng.random(tasks), reached / reached[-1], moments))


def durations(rng: np.random.Generator, size: Size, tasks: int) -> Array:
    """Most are short, some ten times longer: lognormal."""
    return rng.lognormal(math.log(size.mean_s) - 0.5, 1.0, tasks)


def waits(arrived: Array, takes: Array, workers: int) -> Array:
    """First come, first served, by whichever worker is free first."""
    free = [0.0] * workers
    waited = np.empty(len(arrived))
    for i, (at, seconds) in enumerate(zip(arrived.tolist(), takes.tolist(), strict=True)):
        start = max(at, free[0])
        waited[i] = start - at
        heapq.heapreplace(free, start + seconds)
    return waited


def shares(rng: np.random.Generator, size: Size) -> Array:
    """Workers of each pool: a few large ones, many of one to five."""
    raw = rng.lognormal(0.0, 1.0, size.pools)
    return np.maximum(1, np.floor(raw / raw.sum() * size.workers)).astype(int)


def simulate(size: Size, seed: int = 1) -> Day:
    rng = np.random.default_rng(seed)
    workers = np.array([size.workers]) if size.pools == 1 else shares(rng, size)
    some = workers if size.pools <= SAMPLE else rng.choice(workers, SAMPLE, replace=False)
    waited, begun, busy_s = [], [], 0.0
    for crew in some.tolist():
        tasks = max(1, round(size.tasks * crew / workers.sum()))
        arrived, takes = arrivals(rng, size, tasks), durations(rng, size, tasks) + BETWEEN_S
        mine = waits(arrived, takes, crew)
        waited.append(mine)
        begun.append(arrived + mine)
        busy_s += float(takes.sum())
    minutes = np.bincount((np.concatenate(begun) // 60).astype(int))
    all_of_them = size.tasks / sum(map(len, begun))
    return Day(np.concatenate(waited), float(minutes.max()) / 60 * all_of_them, busy_s / DAY_S / int(some.sum()))


@dataclass(frozen=True)
class Operations:
    """Measured. `credits`: messages sent, received, peeked; `billed`: with settling. Rates are by the second."""

    credits: float
    billed: float
    worker_credits: float  # signs of life
    worker_billed: float
    pool_peeks: float  # the reconciler looks what waits
    writes: float
    reads: float
    running_writes: float  # heartbeats
    running_reads: float
    watched_reads: float
    worker_connections: int
    pool_connections: int
    flows: float  # of an idle worker and its site

    @classmethod
    def read(cls, file: Path = MEASURED) -> Operations:
        found = json.loads(file.read_text())
        task, idle, long = found["task"], found["idle_second"], found["long_task"]

        def queue(counted: dict[str, Any], *kinds: str) -> float:
            return sum(float(counted["queue"].get(kind, 0.0)) for kind in kinds)

        def store(counted: dict[str, Any], *kinds: str) -> float:
            return sum(number for kind, number in counted["store"].items() if kind.split()[1] in kinds)

        moved = ("send", "receive")
        writes, reads = store(task, "write", "list"), store(task, "read")
        return cls(
            credits=queue(task, *moved),
            billed=queue(task, *moved, "complete"),
            worker_credits=queue(idle, *moved),
            worker_billed=queue(idle, *moved, "complete"),
            pool_peeks=queue(idle, "peek"),
            writes=writes,
            reads=reads,
            running_writes=max(0.0, store(long, "write", "list") - writes) / found["long_s"],
            running_reads=max(0.0, store(long, "read") - reads) / found["long_s"],
            watched_reads=max(0.0, store(found["watched_task"], "read") - store(long, "read")) / found["long_s"],
            worker_connections=found["connections"]["worker"],
            pool_connections=found["connections"]["site"],
            flows=queue(idle, "flow"),
        )


def stepped(amount: float, steps: tuple[tuple[float, float], ...]) -> float:
    cost, below = 0.0, 0.0
    for upto, each in steps:
        cost += max(0.0, min(amount, upto) - below) * each
        below = upto
    return cost


def column(size: Size, day: Day, of: Operations) -> dict[str, str]:
    connections = size.workers * of.worker_connections + size.pools * of.pool_connections
    credits_ = day.peak * of.credits + size.workers * of.worker_credits + size.pools * of.pool_peeks
    namespaces = {
        "connections": connections / CONNECTIONS / FILL,
        "credits": credits_ / CREDITS_A_SECOND / FILL,
        "queues": size.pools * 3 / QUEUES,
    }
    standard = math.ceil(max(namespaces.values()))
    apart = math.ceil(connections / CONNECTIONS / FILL)
    need = max(size.pools * 3 / PREMIUM_QUEUES, credits_ * MESSAGE_BYTES / PREMIUM_BYTES / FILL) / apart
    units = apart * next((one for one in UNITS if one >= need), UNITS[-1])
    writes = of.writes + of.running_writes * size.mean_s
    running_reads = of.running_reads + WATCHED * of.watched_reads
    reads = of.reads + running_reads * size.mean_s
    requests = day.peak * (of.writes + of.reads)
    running = min(size.workers, day.peak * size.mean_s)
    requests += running * (of.running_writes + running_reads)
    month = size.tasks * MONTH_DAYS
    idle = size.workers * of.worker_billed + size.pools * of.pool_peeks
    billed = month * of.billed + idle * DAY_S * MONTH_DAYS
    queue = standard * BASE_A_MONTH + stepped(billed, OPERATION_STEPS) + stepped(connections, CONNECTION_STEPS)
    store = month * (writes * WRITE + reads * READ)
    kept = month * KEPT_GB * GB_MONTH
    p50, p95, p99 = np.percentile(day.waited_s, (50, 95, 99))
    return {
        "pools, workers": f"{size.pools:,}, {size.workers:,}",
        "tasks a day, mean length": f"{size.tasks:,}, {size.mean_s:.0f} s",
        "workers busy, over the day": f"{day.busy:.0%}",
        "busiest minute, tasks/s": f"{day.peak:,.2g}" if day.peak < 10 else f"{day.peak:,.0f}",
        "wait for a worker, p50 / p95 / p99": f"{seconds(p50)} / {seconds(p95)} / {seconds(p99)}",
        "connections to Service Bus": f"{connections:,}",
        "credits/s at the peak": f"{credits_:,.1f}" if credits_ < 10 else f"{credits_:,.0f}",
        "Standard namespaces": f"{standard} (for {max(namespaces, key=lambda one: namespaces[one])})",
        "or Premium: namespaces, units": f"{apart}, {units}",
        "store: requests/s at the peak": f"{requests:,.1f}" if requests < 10 else f"{requests:,.0f}",
        "storage accounts": str(math.ceil(requests / REQUESTS_A_SECOND / FILL)),
        "$ a month, queues (Standard)": f"{queue:,.0f}",
        "$ a month, queues (Premium)": f"{units * UNIT_A_MONTH:,.0f}",
        "$ a month, requests to the store": f"{store:,.0f}",
        "$ a month, 2 MB of each task kept for a month": f"{kept:,.0f}",
        "$ a million tasks (Standard)": f"{(queue + store + kept) / month * 1e6:,.0f}",
    }


def seconds(value: float) -> str:
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"


def table() -> str:
    of = Operations.read()
    columns = [column(size, simulate(size), of) for size in SIZES]
    lines = ["| | " + " | ".join(size.name for size in SIZES) + " |", "|---" * (len(SIZES) + 1) + "|"]
    lines += [f"| {row} | " + " | ".join(one[row] for one in columns) + " |" for row in columns[0]]
    lines += [
        "",
        f"Measured: a task is {of.credits:.1f} messages sent or received ({of.billed:.1f} calls with settling), "
        f"{of.writes:.1f} writes and {of.reads:.1f} reads of the store; each second that it runs adds "
        f"{of.running_writes:.2f} writes and {of.running_reads:.2f} reads, and {of.watched_reads:.1f} reads more while "
        f"somebody waits for it. Signs of life: {of.worker_credits:.3f} messages a second for each worker; looks at "
        f"the queues: {of.pool_peeks:.1f} a second for each pool; {of.flows:.1f} flow frames a second for an idle "
        f"worker with its site. Connections: {of.worker_connections} for a worker, {of.pool_connections} for a site.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"put it into {NOTE.name}")
    text = table()
    print(text, end="")
    if parser.parse_args().write:
        before, rest = NOTE.read_text().split(BEGIN)
        NOTE.write_text(before + BEGIN + text + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
