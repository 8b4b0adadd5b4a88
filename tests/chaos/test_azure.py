"""kill -9 in every gap of the protocol, and broken infrastructure, on Azurite and the broker double.

Three workers, invited and joined by the commands, in processes of their own; a site with its background process. Which
test proves which row of the list of faults (I1-I27) on this back end:

I1  queue down at submit            test_pools_served (a pool that is down)
I3  store busy, throttled, slow     test_store_faults
I4  answer of the commit lost       here: the sweep, `commit.drop_reply`
I5  grant expired                   test_store_rights, test_store_faults; integration/test_protocol (what follows)
I6  clocks                          test_worker_program (invite), unit tests of liveness
I7  full disk of the worker         test_worker_program
I8  lock lost between receive, ack  here: refused settlements; the sweep, `worker.after_receive`
I9  worker killed in each gap       here: the sweep
I10 site killed in each gap         here: submitter, monitor, reconciler, canceller
I12 duplicates to many workers      here
I13 reordered, early hints          here (a hint of a task that does not run yet); tests/model
I14 forged responses                here
I15 poison                          here
I16 task that kills its worker      here: `lost` after its attempts (reconciler.before_lost)
I18 cancel before, during, after    here
I19 zombie                          here
I22 partial, empty, forged result   here
I25 versions                        here (a message of a newer site); test_worker_program (a newer invite)
I26 SIGTERM                         test_worker_program
I27 response queue does not answer  here: hints are dropped, the ledger is right

I2, I11, I17, I20, I21, I23, I24 do not depend on the back end, or are tests of its parts (test_store_large: the cache).
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from codalab_nb import Options, Site
from codalab_nb.failpoints import NAMES
from codalab_nb.model.base import new_id
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Hint, State, Verdict
from codalab_nb.queues.servicebus import ServiceBusQueue
from codalab_nb.queues.servicebus_access import Namespace, RuleKey
from codalab_nb.site import embedded
from codalab_nb.site.tasks import Task
from tests.support import invariants
from tests.support.azurite import Account
from tests.support.home import PATIENCE_S, Home, wait_for
from tests.support.notebooks import write
from tests.support.pools import KEY, Azure, Command, azure
from tests.support.servicebus import SDK_LEAVES_SOCKETS
from tests.support.workers import Machine, Serving

# The limit counts the start of the first of three workers, two services and a site, too.
pytestmark = [SDK_LEAVES_SOCKETS, pytest.mark.timeout(300)]

POOL = "sweep"
LOCK_PASSES_S = 61  # the broker's clock: a lock is over
WORKER = sorted(name for name in NAMES if name.startswith(("worker.", "events.", "commit.")))
SUBMIT = sorted(name for name in NAMES if name.startswith("submit."))
SENDS = sorted(name for name in NAMES if name.startswith("dispatch."))
FOLDS = sorted(name for name in NAMES if name.startswith("monitor."))
# The notebook has an input and a result file: worker.stage.mid and worker.file.mid need them.
CELLS = ("text = open('data.txt').read()\nprint(text)", "open('out.txt', 'w').write(text * 2)")


@pytest.fixture(scope="module")
def operator(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    with azure(account, tmp_path_factory.mktemp("operator")) as one:
        yield one


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    # Its background process is here to send and to fold: what it could run itself is not wanted.
    with Home(tmp_path_factory.mktemp("home") / "h", CODALAB_NB_SLOTS="1", CODALAB_NB_WARM="0") as one:
        yield one


@pytest.fixture(scope="module")
def command(home: Home, operator: Azure) -> Command:
    return Command(home, operator)


@pytest.fixture(scope="module")
def machines(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Machine]]:
    """Three that have joined the pool; nobody serves when they are handed out first."""
    command.create(POOL)
    # Short enough that a death is noticed soon, long enough that a busy machine does not look dead.
    command.hurry(POOL, heartbeat_s=0.8)
    three = [Machine(tmp_path_factory.mktemp(f"machine-{number}")) for number in range(3)]
    serving = [one.serve("join", str(command.invite(POOL)), wait=False) for one in three]
    for one in serving:
        one.wait_until_serving()
        one.process.terminate()
    assert [one.ended() for one in serving] == [0, 0, 0]
    yield three
    for machine in three:
        machine.kill()
    gc.collect()  # what the SDK left open is told here, and not in somebody else's test


@pytest.fixture(scope="module")
def three(machines: list[Machine]) -> list[Serving]:
    """All three serve, for all tests that follow the sweep."""
    for machine in machines:
        machine.kill()
    serving = [machine.serve("run", wait=False) for machine in machines]
    for one in serving:
        one.wait_until_serving()
    return serving


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "data.txt").write_text("real bytes")
    return write(folder / "work.ipynb", *CELLS)


@pytest.fixture
def site(home: Home, machines: list[Machine]) -> Iterator[Site]:
    with home.site() as one:
        yield one


@pytest.fixture
def watched(home: Home, site: Site) -> Site:
    """The site, with its background process."""
    if embedded.current(home.places) is None:
        home.background()
    return site


def messages(site: Site, operator: Azure) -> set[str]:
    """Keys of all that is in the pool's task queues; what lies locked for a dead worker is free at the next look."""
    queues = site.pools.side(POOL).tasks.values()
    operator.control(advance=LOCK_PASSES_S)
    try:
        return {key for one in queues for key in (*one.waiting(), *(letter.key for letter in one.dead_letters()))}
    finally:
        operator.control(advance=-LOCK_PASSES_S)  # many looks are made: hours would pass, and tokens would end


def resent(site: Site, task: str) -> int:
    return sum(step["step"] == "resent" for step in site.ledger.history(task))


def check(site: Site, operator: Azure, task: str, verdicts: set[Verdict], *, most_starts: int | None = None) -> None:
    """The invariants. `most_starts`: None allows one start more for each attempt that the site gave up."""
    invariants.check(
        site,
        task,
        verdicts,
        attempts=lambda: invariants.attempts_in(site.store_of(task), task),
        most_starts=lambda: 1 + resent(site, task) if most_starts is None else most_starts,
        messages=lambda: messages(site, operator),
    )
    done = site.task(task)
    if done.verdict == Verdict.SUCCEEDED and "out.txt" in done.files:
        assert done.file("out.txt").read_text() == "real bytes" * 2


def submit(site: Site, notebook: Path, max_attempts: int | None = None) -> Task:
    return site.run(notebook, options=Options(pool=POOL, max_attempts=max_attempts))


def kinds(site: Site, task: str) -> list[str]:
    return [event["type"] for events in invariants.attempts_in(site.store_of(task), task) for event in events]


# --- the sweep


def test_workers_killed_in_every_gap(
    watched: Site, machines: list[Machine], operator: Azure, notebook: Path, tmp_path: Path
) -> None:
    """Gaps 7-17: three workers serve, each with another failpoint armed; whoever dies is followed by the next. In the
    end every task has its verdict, and every gap was entered."""
    left = list(WORKER)
    serving: dict[int, tuple[str, Serving]] = {}
    tasks = [submit(watched, notebook, max_attempts=50) for _ in range(6)]

    def log_of(name: str) -> Path:
        return tmp_path / f"{name}.fired"

    def again(number: int) -> None:
        serving.pop(number, None)
        if left:
            name = left.pop()
            action = "drop" if name == "commit.drop_reply" else "kill"
            armed = {"CODALAB_NB_FAILPOINT": f"{name}:{action}", "CODALAB_NB_FAILPOINT_LOG": str(log_of(name))}
            serving[number] = name, machines[number].serve("run", wait=False, **armed)

    def over() -> list[int]:
        """Whose worker is dead. A dropped answer kills nobody: then it is told to go."""
        for name, one in serving.values():
            if name == "commit.drop_reply" and log_of(name).exists() and name not in told:
                told.add(name)
                one.process.terminate()
        return [number for number, (_, one) in serving.items() if one.process.poll() is not None]

    told: set[str] = set()
    for number in range(3):
        again(number)
    while serving:
        wait_for(lambda: over() or not still_open(tasks))
        for number in over():
            again(number)
        if serving and not still_open(tasks):  # there must be something to die of
            tasks.append(submit(watched, notebook, max_attempts=50))
    for name in WORKER:
        assert log_of(name).read_text().split()[0] == name
    clean = [machine.serve("run", wait=False) for machine in machines]
    for task in tasks:
        check(watched, operator, task.id, {Verdict.SUCCEEDED})
    for one in clean:
        one.wait_until_serving()
        one.process.terminate()
    assert [one.ended() for one in clean] == [0, 0, 0]
    for machine in machines:
        assert list((machine.folder / "worker" / POOL / "scratch").glob("w-*")) == []


@pytest.mark.parametrize("name", SUBMIT)
def test_submitter_killed(home: Home, watched: Site, operator: Azure, three: object, tmp_path: Path, name: str) -> None:
    """Gaps 1-3: who heard no "accepted" says it again with the same id, and the task runs once."""
    task = new_id()
    (tmp_path / "data.txt").write_text("real bytes")
    notebook = write(tmp_path / "work.ipynb", *CELLS, f"# {name}")  # nothing that was sent before
    home.variables["POOL"] = POOL
    died = home.client("submit", str(notebook), task, failpoint=f"{name}:kill")
    assert (died.returncode, died.stdout) == (-signal.SIGKILL, ""), died.stderr
    assert home.fired_failpoints()[-1] == name
    assert home.client("submit", str(notebook), task).stdout.strip() == task
    check(watched, operator, task, {Verdict.SUCCEEDED})


@pytest.mark.parametrize("name", [*SENDS, *FOLDS])
def test_the_sites_process_killed(
    home: Home, site: Site, operator: Azure, three: object, notebook: Path, name: str
) -> None:
    """Gaps 4, 5, 18: the outbox is in the ledger and the verdict in the store; the next process goes on."""
    embedded.stop(home.places, PATIENCE_S)
    task = submit(site, notebook)
    armed = home.background(f"{name}:kill")
    assert armed.wait(PATIENCE_S) == -signal.SIGKILL
    assert home.fired_failpoints()[-1] == name
    home.background()
    check(site, operator, task.id, {Verdict.SUCCEEDED}, most_starts=1)


@pytest.mark.parametrize(
    ("name", "attempts", "verdict"),
    [
        ("reconciler.before_resend", 2, Verdict.SUCCEEDED),
        ("reconciler.after_resend", 2, Verdict.SUCCEEDED),
        ("reconciler.before_lost", 1, Verdict.LOST),
    ],
)
def test_reconciler_killed(
    home: Home,
    site: Site,
    operator: Azure,
    three: list[Serving],
    machines: list[Machine],
    tmp_path: Path,
    name: str,
    attempts: int,
    verdict: Verdict,
) -> None:
    """Gap 20: a dead attempt is followed by one next attempt, or the task is lost, whoever dies while seeing to it."""
    cell = "import time\nprint('in', flush=True)\ntime.sleep(4)"
    if embedded.current(home.places) is None:
        home.background()
    task = submit(site, write(tmp_path / "n.ipynb", cell), max_attempts=attempts)
    wait_for(lambda: "output" in kinds(site, task.id))
    embedded.stop(home.places, PATIENCE_S)
    kill_who_runs(site, task.id, machines, three)
    armed = home.background(f"{name}:kill")
    assert armed.wait(PATIENCE_S) == -signal.SIGKILL
    assert home.fired_failpoints()[-1] == name
    home.background()
    check(site, operator, task.id, {verdict}, most_starts=attempts)


def test_canceller_killed(home: Home, watched: Site, operator: Azure, three: object, tmp_path: Path) -> None:
    """Gap 21 and I18: a cancel that died changed nothing; the next one ends the task, once; a later one is too late."""
    task = submit(watched, write(tmp_path / "n.ipynb", "import time\nprint('in', flush=True)\ntime.sleep(600)"))
    wait_for(lambda: "output" in kinds(watched, task.id))
    died = home.client("cancel", task.id, failpoint="cancel.before_commit:kill")
    assert died.returncode == -signal.SIGKILL
    assert task.state == State.RUNNING
    assert [home.client("cancel", task.id).stdout.strip() for _ in range(2)] == ["True", "False"]
    check(watched, operator, task.id, {Verdict.CANCELLED}, most_starts=1)
    done = submit(watched, write(tmp_path / "light.ipynb", "1")).wait(PATIENCE_S)
    assert done.cancel() is False
    check(watched, operator, done.id, {Verdict.SUCCEEDED}, most_starts=1)


def test_every_failpoint_has_a_test() -> None:
    """A new gap cannot be added without a kill in it, here too."""
    others = {"reconciler.before_resend", "reconciler.after_resend", "reconciler.before_lost", "cancel.before_commit"}
    assert {*WORKER, *SUBMIT, *SENDS, *FOLDS, *others} == NAMES


# --- broken infrastructure


def test_nobody_is_hurt_by_what_nobody_understands(
    watched: Site, operator: Azure, three: list[Serving], notebook: Path
) -> None:
    """I14, I15, I25: poison and a newer message in the task queue, forged and damaged responses; then a task runs."""
    before = submit(watched, notebook).wait(PATIENCE_S)
    newer = json.dumps({"version": 99, "task": new_id(), "n": 1, "surprise": True})
    foreign = Hint(task=new_id()).to_bytes()
    send(operator, f"{POOL}-urgent", b"no json", b"{}", newer.encode(), b"x" * 200_000, json.dumps({"task": "../x"}))
    send(operator, f"{POOL}-responses", b"no json", foreign, Hint(task=before.id).to_bytes(), b"[" * 50_000)
    task = submit(watched, notebook)
    check(watched, operator, task.id, {Verdict.SUCCEEDED}, most_starts=1)
    check(watched, operator, before.id, {Verdict.SUCCEEDED}, most_starts=1)

    def cleared() -> bool:
        """Buried at once, or given back ten times; cleared away while the pool has something open."""
        submit(watched, notebook).wait(PATIENCE_S)
        return not messages(watched, operator)

    wait_for(cleared)
    assert [one.process.poll() for one in alive(three)] == [None] * len(alive(three))


def test_a_message_that_comes_many_times_starts_one_attempt(
    watched: Site, operator: Azure, three: object, notebook: Path
) -> None:
    """I12, I8: copies for everybody, and settlements that the service refuses although the lock was good."""
    operator.control(faults={"duplicate": 10, "refuse_settle": 3})
    task = submit(watched, notebook)
    check(watched, operator, task.id, {Verdict.SUCCEEDED}, most_starts=1)
    operator.control(faults={"duplicate": 0, "refuse_settle": 0})


def test_responses_that_do_not_arrive(watched: Site, operator: Azure, three: object, notebook: Path) -> None:
    """I27, I13: hints are lost with their links; the site looks by itself."""
    task = submit(watched, notebook)
    for _ in range(3):
        operator.control(cut=True)
    check(watched, operator, task.id, {Verdict.SUCCEEDED})


def test_a_worker_that_wakes_up_too_late(watched: Site, operator: Azure, three: list[Serving], tmp_path: Path) -> None:
    """I19: suspended, judged dead, followed by another; its late commit loses, and the result stays what it is."""
    cell = "import time\nprint('in', flush=True)\ntime.sleep(2)\nopen('out.txt', 'w').write('real bytes' * 2)"
    task = submit(watched, write(tmp_path / "n.ipynb", cell))
    wait_for(lambda: "output" in kinds(watched, task.id))
    zombie = three[who_runs(watched, task.id, three)].process.pid
    os.kill(zombie, signal.SIGSTOP)
    try:
        assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
        first = watched.store_of(task.id).read(TaskNames(task.id).result)
    finally:
        os.kill(zombie, signal.SIGCONT)
    assert task.result.n == 2
    check(watched, operator, task.id, {Verdict.SUCCEEDED}, most_starts=2)
    assert watched.store_of(task.id).read(TaskNames(task.id).result) == first


@pytest.mark.parametrize("forged", [b"", b'{"task":', b'{"verdict": "succeeded", "n": 1, "nonce": "guessed"}'])
def test_a_result_that_is_none(
    home: Home, site: Site, operator: Azure, three: object, notebook: Path, forged: bytes
) -> None:
    """I22: the name is taken, so it must mean something: `failed(bad_result)`."""
    embedded.stop(home.places, PATIENCE_S)
    task = submit(site, notebook)
    assert site.store_of(task.id).create(TaskNames(task.id).result, forged)
    home.background()
    assert task.wait(PATIENCE_S).verdict == Verdict.FAILED
    assert task.reason is not None
    assert task.reason.code == "bad_result"
    wait_for(lambda: not [key for key in messages(site, operator) if key.startswith(task.id)])


# --- looks and hands


def still_open(tasks: list[Task]) -> list[Task]:
    return [task for task in tasks if task.row.is_open]


def send(operator: Azure, queue: str, *bodies: bytes | str) -> None:
    """As somebody who may."""
    with contextlib.closing(ServiceBusQueue(Namespace(operator.broker), queue, RuleKey("root", KEY))) as sender:
        for body in bodies:
            sender.send(os.urandom(4).hex(), body.encode() if isinstance(body, str) else body, life_s=600)


def alive(serving: list[Serving]) -> list[Serving]:
    return [one for one in serving if one.process.poll() is None]


def who_runs(site: Site, task: str, serving: list[Serving]) -> int:
    """The place of the worker that claimed the newest attempt."""
    store, names, n = site.store_of(task), TaskNames(task), 1
    while store.look(names.claim(n + 1)) is not None:
        n += 1
    worker = json.loads(store.read(names.claim(n)))["worker"]
    return next(place for place, one in enumerate(serving) if worker.endswith(f":{one.process.pid}"))


def kill_who_runs(site: Site, task: str, machines: list[Machine], serving: list[Serving]) -> None:
    """kill -9; a fresh worker takes its place."""
    place = who_runs(site, task, serving)
    serving[place].kill()
    serving[place] = machines[place].serve("run", wait=False)
