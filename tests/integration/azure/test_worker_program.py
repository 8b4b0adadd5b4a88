"""`codalab-worker` as a person uses it: joins, serves, stops, leaves; what is refused, and in which words.

The pools: `lab` is served all the time, `shift` by several workers in turn, `brief` by one whose invite ends, `doomed`
by one whose queues are deleted. What takes its time there begins first and is looked at last.
"""

from __future__ import annotations

import datetime as dt
import gc
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from codalab_nb import Options, Site, wiring
from codalab_nb.model.pool import AzurePool, Invite, Queues
from codalab_nb.model.task import State, Verdict
from codalab_nb.site.tasks import Task
from codalab_worker import limits
from tests.support.home import PATIENCE_S, Home, wait_for
from tests.support.notebooks import write
from tests.support.pools import KEY, Azure, Command
from tests.support.servicebus import SDK_LEAVES_SOCKETS
from tests.support.workers import Machine, Serving, all_bytes, ask

# The limit counts the start of two services, two workers and a site, too.
pytestmark = [SDK_LEAVES_SOCKETS, pytest.mark.timeout(300)]

needs_mounts = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root, who may mount in a namespace of its own"
)
CANARY = "canary-of-the-worker-5f2c"
LOOK_AROUND = r"""
import glob, os
seen = dict(os.environ)
paths = glob.glob('/proc/*/environ') + glob.glob('/proc/*/cmdline')
for folder in HOMES:
    paths += glob.glob(folder + '/**', recursive=True)
for path in paths:
    try:
        seen[path] = open(path, 'rb').read().decode(errors='replace')
    except OSError as error:
        seen[path] = str(error)
print(seen)
open('seen.txt', 'w').write(repr(seen))
"""


@pytest.fixture(scope="module")
def steady(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machine, Serving, Path]]:
    """The worker of `lab`, with two slots, from the invite that is named, too."""
    command.create("lab")
    invite = command.invite("lab")
    with Machine(tmp_path_factory.mktemp("steady"), A_SECRET_OF_THE_OWNER=CANARY) as machine:
        yield machine, machine.serve("join", str(invite), "--slots", "2"), invite


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine that joins three pools."""
    with Machine(tmp_path_factory.mktemp("second")) as one:
        yield one


@pytest.fixture(scope="module")
def doomed(command: Command, operator: Azure, second: Machine) -> Serving:
    """A worker whose queues are deleted while it listens."""
    command.create("doomed")
    serving = second.serve("join", str(command.invite("doomed")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", operator.certificate)
        admin = wiring.pool_admin(operator.connection, None)
        admin.remove(Queues.of("doomed"))
        admin.close()
    return serving


@pytest.fixture(scope="module")
def shift(command: Command) -> str:
    command.create("shift")
    command.hurry("shift")
    return "shift"


@pytest.fixture(scope="module")
def site(home: Home, doomed: Serving, steady: object) -> Iterator[Site]:
    with home.site(serve=True) as one:
        yield one
    gc.collect()  # what the SDK left open is told here, and not in somebody else's test


def slow(site: Site, folder: Path, pool: str, seconds: float) -> Task:
    """A task that runs, when this returns: its first output is there."""
    cell = f"import time\nprint('in', flush=True)\ntime.sleep({seconds})\nprint('out')"
    task = site.run(write(folder / "slow.ipynb", cell), options=Options(pool=pool))
    wait_for(lambda: "output" in kinds(task))
    return task


def kinds(task: Task) -> list[str]:
    return [event["type"] for event in task.events()]


def mounted(script: str) -> tuple[str, ...]:
    """What runs a command where the mounts of `script` were made, and nobody else sees them."""
    return ("unshare", "--mount", "sh", "-c", f'{script} && exec "$@"', "sh")


def signed(home: Home, pool: str, folder: Path, *, life_s: float, namespace: str | None = None) -> Path:
    """An invite with what `pool invite` does not offer."""
    definition = AzurePool.model_validate_json((home.folder / "pools" / f"{pool}.json").read_bytes())
    if namespace is not None:
        definition = definition.model_copy(update={"namespace": namespace})
    now = dt.datetime.now(dt.UTC)
    until = now + dt.timedelta(seconds=life_s)
    file = folder / f"{os.urandom(3).hex()}.invite.json"
    made = Invite(
        id="0" * 8, pool=pool, namespace=definition.namespace, queues=definition.queues,
        tokens=wiring.worker_tokens(definition, until), account_url=definition.account_url, made_at=now,
        expires_at=until, heartbeat_s=0.5, lock_s=definition.lock_s,
    )  # fmt: skip
    file.write_bytes(made.to_bytes())
    return file


def test_it_serves_and_says_so(steady: tuple[Machine, Serving, Path], site: Site, tmp_path: Path) -> None:
    """`status`, `doctor`, the health page and the site agree; a second process is refused."""
    machine, serving, invite = steady
    assert site.run(write(tmp_path / "n.ipynb", "1"), options=Options(pool="lab")).wait(PATIENCE_S).verdict == (
        Verdict.SUCCEEDED
    )
    (told,) = machine.json("status")
    assert (told["pool"], told["serving"]["pid"], told["trouble"]) == ("lab", serving.process.pid, "")
    assert f"process {serving.process.pid} serves it" in machine.command("status").stdout
    assert machine.json("doctor")["ok"]
    for words in (("run",), ("join", str(invite))):
        refused = machine.json(*words, code=3)["errors"][0]
        assert (refused["code"], str(serving.process.pid) in refused["message"]) == ("already_serving", True)

    port = told["serving"]["port"]
    status, body = ask(port, "health")
    health = json.loads(body)
    assert (status, health["ok"], health["pool"], health["slots"]) == (200, True, "lab", 2)
    assert health["sandbox"] == "bubblewrap"
    status, body = ask(port, "metrics")
    samples = {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(body)
        for one in family.samples
    }
    assert samples["codalab_worker_up",] == 1
    assert samples["codalab_worker_slots",] == 2
    assert samples["codalab_worker_attempts_total", "succeeded"] >= 1
    assert 29 * 86400 < samples["codalab_worker_invite_expires_seconds",] <= 30 * 86400
    assert ask(port, "")[0] == 404


def test_slots_divide_the_memory(steady: tuple[Machine, Serving, Path], site: Site, tmp_path: Path) -> None:
    """Two tasks run at the same time, and each may have half of what the machine can give."""
    machine, _, _ = steady
    (told,) = machine.json("status")
    cells = "import resource, time\nopen('limit.txt', 'w').write(str(resource.getrlimit(resource.RLIMIT_AS)[0]))"
    notebook = write(tmp_path / "n.ipynb", f"{cells}\ntime.sleep(3)")
    both = [site.run(notebook, options=Options(pool="lab", memory_bytes=1 << 50)) for _ in range(2)]
    wait_for(lambda: json.loads(ask(told["serving"]["port"], "health")[1])["busy"] == 2)
    half = limits.Limits(memory_bytes=int(psutil.virtual_memory().total * 0.9 / 2))
    for task in both:
        assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
        assert int(task.file("limit.txt").read_text()) == limits.address_space(half)


def test_no_credential_anywhere(
    steady: tuple[Machine, Serving, Path], site: Site, operator: Azure, home: Home, tmp_path: Path
) -> None:
    """I14: a notebook that looks for them finds none; none lies in the log, the events, or the results."""
    machine, serving, invite = steady
    looking = LOOK_AROUND.replace("HOMES", repr([str(machine.folder), str(home.folder), str(invite.parent)]))
    task = site.run(write(tmp_path / "n.ipynb", looking), options=Options(pool="lab"))
    assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED, task.reason
    assert task.folder is not None
    tokens = json.loads(invite.read_text())["tokens"].values()
    secrets = {token.partition("sig=")[2].partition("&")[0] for token in tokens}
    secrets |= {operator.account.key, KEY, CANARY, "sig=", "SharedAccessKey"}
    said = serving.log.read_text()
    places = {
        "result": all_bytes([task.folder]).decode(errors="replace"),
        "events": json.dumps(list(task.events())),
        "log": said,
        "status": machine.command("status").stdout,
    }
    # The notebook's own text names what it looks for in no place but this.
    assert {(place, secret) for place, text in places.items() for secret in secrets if secret in text} == set()
    assert "seen.txt" in task.files
    lines = serving.lines()
    assert all({"at", "level", "logger", "message", "process"} <= set(line) for line in lines)
    assert any(line["message"].startswith("serving lab with 2 slot(s)") for line in lines)


def test_what_is_refused_and_in_which_words(
    steady: tuple[Machine, Serving, Path],
    command: Command,
    home: Home,
    shift: str,
    operator: Azure,
    tmp_path: Path,
) -> None:
    """Nothing of it is kept, and nobody serves."""
    command.create("rekeyed")
    revoked = command.invite("rekeyed")
    command("pool", "revoke", "rekeyed", "--servicebus-connection-env", "MANAGE")
    good = command.invite(shift)
    newer, damaged, noise = (tmp_path / f"{name}.json" for name in ("newer", "damaged", "noise"))
    newer.write_text(json.dumps({**json.loads(good.read_text()), "version": 2, "more": True}))
    damaged.write_bytes(good.read_bytes()[:200])
    noise.write_bytes(os.urandom(1000))
    foreign = signed(home, shift, tmp_path, life_s=3600, namespace="no-such-namespace.invalid")
    nowhere = signed(home, shift, tmp_path, life_s=3600, namespace="127.0.0.1:9")
    cases: list[tuple[Path, dict[str, str], int, str, str]] = [
        (tmp_path / "no-such-file", {}, 2, "missing_file", "cannot be read"),
        (tmp_path, {}, 2, "missing_file", "directory"),
        (noise, {}, 2, "invite_damaged", "no invite"),
        (damaged, {}, 2, "invite_damaged", "no invite"),
        (newer, {}, 2, "invite_newer", "newer version"),
        (signed(home, shift, tmp_path, life_s=-3600), {}, 2, "invite_expired", "by the clock of this machine it is"),
        (revoked, {}, 3, "queue_credential", "did not accept the credential"),
        (foreign, {}, 3, "queue_address", "cannot be resolved"),
        (nowhere, {}, 3, "queue_unreachable", "cannot be reached"),
        (good, {"CODALAB_NB_SANDBOX": "none"}, 3, "no_sandbox", "other people's notebooks"),
    ]
    with Machine(tmp_path / "m") as machine:
        started = []
        for file, variables, *_ in cases:
            machine.environment = {**steady[0].environment, "CODALAB_NB_HOME": str(machine.folder), **variables}
            started.append(machine.begin("join", str(file), "--json"))
        for (file, _, code, word, text), process in zip(cases, started, strict=True):
            out, said = process.communicate(timeout=PATIENCE_S)
            assert process.returncode == code, (file, out, said)
            error = json.loads(out)["errors"][0]
            assert (error["code"], text in error["message"], bool(error["fix"])) == (word, True, True), error
            assert "sig=" not in out + said.replace("sig=[redacted]", "")
        assert machine.json("status", code=1) == []
        assert machine.json("run", code=2)["errors"][0]["code"] == "not_joined"


@needs_mounts
def test_without_bubblewrap_it_does_not_join(command: Command, shift: str, tmp_path: Path) -> None:
    """Nothing falls silently to no sandbox: it says what to install, and keeps nothing."""
    hidden = mounted(f"mount --bind /dev/null {shutil.which('bwrap')}")
    with Machine(tmp_path / "m", *hidden) as machine:
        refused = machine.json("join", str(command.invite(shift)), code=3)["errors"][0]
        assert refused["code"] == "no_sandbox"
        assert "sudo apt install bubblewrap" in refused["message"]
        found = {one["check"]: one["level"] for one in machine.json("doctor", code=3)["checks"]}
        assert (found["sandbox"], found["pools"]) == ("problem", "warning")
        assert machine.json("status", code=1) == []


def test_a_clock_that_is_behind_is_told(home: Home, shift: str, tmp_path: Path) -> None:
    """The service judges by its own clock, so it works; what people read in logs would be wrong."""
    ahead = json.loads(signed(home, shift, tmp_path, life_s=3600).read_text())
    ahead["made_at"] = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)).isoformat()
    file = tmp_path / "ahead.json"
    file.write_text(json.dumps(ahead))
    with Machine(tmp_path / "m") as machine:
        serving = machine.serve("join", str(file))
        assert "will be made in 120 minutes: set the clock" in serving.log.read_text()
        assert machine.command("leave").returncode == 0
        assert serving.ended() == 0


def test_asked_to_stop_it_lets_a_task_end(
    second: Machine, site: Site, command: Command, shift: str, tmp_path: Path
) -> None:
    """SIGTERM: no more work is taken, what runs ends within the grace time; meanwhile its page says 503."""
    serving = second.serve("join", str(command.invite(shift)), CODALAB_NB_GRACE="60")
    task = slow(site, tmp_path, shift, 3)
    port = next(one for one in second.json("status") if one["pool"] == shift)["serving"]["port"]
    serving.process.terminate()
    wait_for(lambda: json.loads(ask(port, "health")[1])["draining"])
    assert ask(port, "health")[0] == 503
    assert serving.ended() == 0
    assert (task.wait(PATIENCE_S).verdict, task.attempts) == (Verdict.SUCCEEDED, 1)


def test_a_second_signal_gives_the_task_back(second: Machine, site: Site, shift: str, tmp_path: Path) -> None:
    """The impatient: `released: interrupted`, and the task runs elsewhere at once. `leave` stops a worker, too."""
    which = second.json("run", code=2)["errors"][0]
    assert (which["code"], which["message"]) == ("which_pool", "This machine has joined doomed, shift.")
    serving = second.serve("run", "--pool", shift, CODALAB_NB_GRACE="600")
    task = slow(site, tmp_path, shift, 6)
    port = next(one for one in second.json("status") if one["pool"] == shift)["serving"]["port"]
    serving.process.send_signal(signal.SIGINT)
    wait_for(lambda: json.loads(ask(port, "health")[1])["draining"])  # two signals at once may arrive as one
    serving.process.send_signal(signal.SIGINT)
    assert serving.ended() == 0
    released = next(event for event in task.events() if event["type"] == "released")
    assert released["body"]["reason"] == "interrupted"
    third = second.serve("run", "--pool", shift)
    assert (task.wait(PATIENCE_S).verdict, task.attempts) == (Verdict.SUCCEEDED, 2)
    left = second.json("leave", "--pool", shift)
    assert left["left"] == shift
    assert third.ended() == 0
    assert not (second.folder / "worker" / shift).exists()
    assert second.json("run", "--pool", shift, code=2)["errors"][0]["code"] == "not_joined"


def test_an_invite_that_ends_while_it_serves(site: Site, command: Command, home: Home, tmp_path: Path) -> None:
    """What runs has a grant of its own and ends well; then the worker goes, and says why."""
    command.create("brief")
    life_s = 20.0
    until = time.time() + life_s
    with Machine(tmp_path / "m") as machine:
        serving = machine.serve("join", str(signed(home, "brief", tmp_path, life_s=life_s)))
        task = slow(site, tmp_path, "brief", max(0.0, until - time.time()) + 3)
        assert serving.ended() == 3
        assert (task.wait(PATIENCE_S).verdict, task.attempts) == (Verdict.SUCCEEDED, 1)
        (why,) = [line["message"] for line in serving.lines() if line["message"].startswith("this worker stops")]
        assert why == "this worker stops: its invite to brief has ended; ask the pool's owner for another"
        (told,) = machine.json("status", code=1)
        assert "was good until" in told["trouble"]
        assert machine.json("run", code=2)["errors"][0]["code"] == "invite_expired"


@needs_mounts
def test_a_full_disk_gives_the_task_back(site: Site, command: Command, shift: str, tmp_path: Path) -> None:
    """I7: an input that does not fit is no fault of the task: `released`, and it runs where there is room."""
    (tmp_path / "big.bin").write_bytes(os.urandom(24 << 20))
    notebook = write(tmp_path / "n.ipynb", "import os\nprint(os.path.getsize(data))")
    small = mounted(f'mount -t tmpfs -o size=8m none "{tmp_path}/full/worker/{shift}/cache"')
    (tmp_path / "full/worker" / shift / "cache").mkdir(parents=True)
    with Machine(tmp_path / "full", *small) as full, Machine(tmp_path / "roomy") as roomy:
        serving = full.serve("join", str(command.invite(shift)))
        task = site.run(notebook, inputs={"data": tmp_path / "big.bin"}, options=Options(pool=shift, max_attempts=9))
        wait_for(lambda: "released" in kinds(task))
        serving.process.terminate()
        assert serving.ended() in (0, 3)  # 3: it had given up after three of them
        given_back = next(event for event in task.events() if event["type"] == "released")
        assert (given_back["body"]["reason"], task.state) == ("disk_full", State.QUEUED)
        roomy.serve("join", str(command.invite(shift)))
        assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
        assert task.attempts >= 2


def test_queues_that_are_deleted_while_it_listens(doomed: Serving, second: Machine) -> None:
    """Waiting does not bring them back: it says so and goes. Last here: it was begun first, and takes half a minute."""
    assert doomed.ended() == 3
    (why,) = [line["message"] for line in doomed.lines() if line["message"].startswith("this worker stops")]
    assert "There is no queue 'doomed-" in why
    assert "sig=" not in doomed.log.read_text().replace("sig=[redacted]", "")
    found: dict[str, Any] = {one["check"]: one for one in second.json("doctor", code=3)["checks"]}
    assert (found["pool doomed"]["level"], found["sandbox"]["level"]) == ("problem", "ok")
    assert "There is no queue" in found["pool doomed"]["message"]
    second.command("leave", "--pool", "doomed")
    assert [one["pool"] for one in second.json("status", code=1) if one["pool"] == "doomed"] == []
