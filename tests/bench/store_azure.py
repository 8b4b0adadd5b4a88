"""What the store on Azure costs and how quick it is, against Azurite: `python -m tests.bench.store_azure`.

calls        one small create, read, look, append each
live         from a print on the worker to the viewer that watches, over 40 prints at odd times
files        an input up, down to a worker, a result file up and down again
operations   requests of one light task (one cell, no inputs, real kernel), by what the price list calls them, for
             the site and for the worker, with a viewer that waits and without one

The network is this machine's own and the service is an emulator: times say what our side adds, operations are exact.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from codalab_nb import places, settings
from codalab_nb.bells import runtime_folder
from codalab_nb.model.base import new_id
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Priority
from codalab_nb.packing.hashing import DigestCache
from codalab_nb.queues.local import LocalQueue
from codalab_nb.site.dispatch import Dispatcher
from codalab_nb.site.events import EventReader
from codalab_nb.site.ledger import Ledger
from codalab_nb.site.monitor import PoolWatch
from codalab_nb.site.rebuild import row_of
from codalab_nb.site.requests import Drafting, Options
from codalab_nb.site.results import read_manifest, read_result
from codalab_nb.site.verdicts import confirm, fold
from codalab_nb.stores.azure_cache import Cache
from codalab_nb.wiring import PoolSide
from codalab_worker.events import EventLog
from codalab_worker.supervisor import Supervisor
from codalab_worker.warm import Warmth
from tests.support.azure_store import Lab
from tests.support.azurite import Account, serve
from tests.support.fault_proxy import FaultProxy, Line
from tests.support.notebooks import write

MIB = 1 << 20


def told(name: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    print(f"  {name:34} median {statistics.median(ordered) * 1e3:7.1f} ms   p95 {p95 * 1e3:7.1f} ms")


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def calls(lab: Lab, times: int) -> None:
    print("calls")
    site, task = lab.site(), new_id()
    names, worker = TaskNames(task), lab.attempt(task)
    worker.read(names.document)
    told(
        "site: create 1 KB",
        [timed(lambda: site.create(f"datasets/d/{new_id()}.json", b"x" * 1000)) for _ in range(times)],
    )
    told("site: read 1 KB", [timed(lambda: site.read(names.document)) for _ in range(times)])
    told("site: look", [timed(lambda: site.look(names.document)) for _ in range(times)])
    told(
        "worker: create 1 KB",
        [timed(lambda: worker.create(names.files(1) + new_id(), b"x" * 1000)) for _ in range(times)],
    )
    told(
        "worker: look for a verdict (404)",
        [timed(lambda: _nothing(lambda: worker.read(names.result))) for _ in range(times)],
    )
    position, spent = 0, []
    for _ in range(times):
        start = time.perf_counter()
        position = worker.append(names.events(1), position, b"x" * 999 + b"\n")
        spent.append(time.perf_counter() - start)
    told("worker: append 1 KB", spent)
    fresh = [(task := new_id(), lab.link(task)) for _ in range(times)]
    opened = [lab.workers.open(task, 1, link) for task, link in fresh]
    told(
        "worker: grant, first read",
        [
            timed(lambda one=one, task=task: one.read(TaskNames(task).document))
            for one, (task, _) in zip(opened, fresh, strict=True)
        ],
    )


def _nothing(action: Callable[[], object]) -> None:
    from codalab_nb.stores.ports import NotFound

    with contextlib.suppress(NotFound):
        action()


def live(lab: Lab, prints: int) -> None:
    print("live")
    task = new_id()
    lab.link(task)
    site, worker = lab.site(), lab.attempt(task)
    printed_at: dict[str, float] = {}
    lags: list[float] = []
    with site.changes(task) as changes:
        log = EventLog(worker, task, 1)
        log.set_limit(10 * MIB)
        log.begin({})

        def work() -> None:
            rng = random.Random(1)
            for i in range(prints):
                time.sleep(rng.uniform(0.05, 1.5))
                printed_at[str(i)] = time.perf_counter()
                output = {"output_type": "stream", "name": "stdout", "text": str(i)}
                log.relay([{"type": "output", "cell": 0, "output": output}])

        thread = threading.Thread(target=work)
        thread.start()
        reader = EventReader(site, task, 1)
        while len(lags) < prints:
            changes.wait(5)
            for event in reader.new():
                if event["type"] == "output":
                    lags.append(time.perf_counter() - printed_at[event["body"]["output"]["text"]])
        thread.join()
        log.close()
    told(f"print → viewer, {prints} prints", lags)
    print(f"  {'the longest':34} {max(lags) * 1e3:14.1f} ms")


def files(lab: Lab, folder: Path, size: int) -> None:
    print(f"files of {size / 1e6:.0f} MB")
    data = random.Random(1).randbytes(size)
    digest = hashlib.sha256(data).hexdigest()
    source = folder / "source"
    source.write_bytes(data)
    site, task = lab.site(), new_id()
    names = TaskNames(task)

    def rate(name: str, action: Callable[[], object]) -> None:
        print(f"  {name:34} {size / timed(action) / 1e6:14.0f} MB/s")

    rate("site: input up", lambda: site.put_blob(source, digest))
    rate("site: the same again (a touch)", lambda: site.put_blob(source, digest))
    worker = lab.attempt(task, inputs=[digest])
    rate("worker: input down", lambda: worker.blob(digest, size))
    rate("worker: result file up, in parts", lambda: worker.create_file(names.files(1) + "big", source))
    rate("site: result file down", lambda: site.folder(names.files(1)))


class Pool:
    """The whole protocol on this store, with queues of this machine: they cost nothing and hide nothing."""

    def __init__(self, folder: Path, site: Lab, worker: Lab) -> None:
        self.config = settings.load(
            {"CODALAB_NB_HOME": str(folder), "CODALAB_NB_HEARTBEAT": "5", "CODALAB_NB_SLOTS": "1"}
        )
        where = places.prepare(self.config)
        self.store = site.site()
        urgent = LocalQueue(where.queue, "tasks", runtime_folder(folder), lock_s=15)
        background, responses = urgent.beside("background"), urgent.beside("responses")
        self.side = PoolSide(
            name="local",
            store=self.store,
            tasks={Priority.URGENT: urgent, Priority.BACKGROUND: background},
            responses=responses,
            grants=self.store,
            quick=True,
            shared=False,
            heartbeat_s=5.0,
            pass_s=10.0,
            message_life_s=3600.0,
            close=urgent.close,
        )
        self.ledger = Ledger(where.ledger)
        self.dispatcher = Dispatcher(self.ledger, self.side)
        self.drafting = Drafting(DigestCache(where.digests), self.config)
        self.watch = PoolWatch(self.ledger, self.side)
        self._warmth = Warmth(where.scratch, sandbox="auto", ready=2, science=False)
        process = worker.process(Cache(folder / "inputs"))
        self._worker_url, self._site_url = worker.account.url, site.account.url

        def open_attempt(message):  # type: ignore[no-untyped-def]
            return process.open(message.task, message.n, message.grant)

        self.supervisor = Supervisor(urgent, open_attempt, responses, self._warmth, self.config)
        self.watch.start()
        self.supervisor.start()

    def run(self, notebook: Path, *, viewer: bool) -> float:
        start = time.perf_counter()
        draft = self.drafting.notebook(notebook, parameters={}, options=Options())
        for source in draft.sources:
            self.store.put_blob(source.content, source.ref.sha256)
        task = draft.document.task
        self.store.create(TaskNames(task).document, draft.document.to_bytes())
        row = row_of(draft.document, 0)
        self.ledger.accept([row])
        self.dispatcher.send(row)
        confirm(self.store, row)
        self.ledger.mark_confirmed(task)
        if viewer:
            with self.store.changes(task) as changes:
                while fold(self.store, self.ledger, task) is None:
                    changes.wait(5)
        else:
            while (found := self.ledger.get(task)) is None or found.is_open:
                time.sleep(0.01)
        spent = time.perf_counter() - start
        result = read_result(self.store, task)
        assert result is not None
        assert result.verdict == "succeeded", result
        assert read_manifest(self.store, result) is not None
        return spent

    def close(self) -> None:
        self.supervisor.drain(lambda: 10.0)
        self.watch.stop()
        self._warmth.close()
        self.ledger.close()
        self.side.close()


def operations(account: Account, folder: Path, tasks: int) -> None:
    print("operations of one light task")
    with FaultProxy(account.url) as proxy:
        lab = Lab(dataclasses.replace(account, url=proxy.url), folder)
        pool = Pool(folder / "home", lab, lab)
        notebook = write(folder / "light.ipynb", ["print(1)"])
        pool.run(notebook, viewer=True)
        for viewer in (False, True):
            time.sleep(1.0)
            spent = []
            with proxy.counting() as lines:
                for _ in range(tasks):
                    spent.append(pool.run(notebook, viewer=viewer))
                time.sleep(1.0)  # what is done after the verdict belongs to the task
            who = "a viewer waits" if viewer else "nobody waits"
            told(f"{who}: submit → verdict", spent)
            for side in ("site", "worker"):
                counts = Counter(line.operation for line in lines if _side(line) == side)
                shown = ", ".join(f"{counts[kind] / tasks:.1f} {kind}s" for kind in ("write", "read", "list"))
                print(f"  {who:16} {side:8} {shown}")
        pool.close()
        lab.close()


def _side(line: Line) -> str:
    return "worker" if "sig=" in line.path else "site"


@contextlib.contextmanager
def _lab(account: Account, folder: Path) -> Iterator[Lab]:
    lab = Lab(account, folder)
    yield lab
    lab.close()


def main() -> None:
    with serve() as account, tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with _lab(account, folder / "a") as lab:
            calls(lab, 60)
            live(lab, 40)
            files(lab, folder, 200 * 1000 * 1000)
        operations(account, folder, 10)


if __name__ == "__main__":
    main()
