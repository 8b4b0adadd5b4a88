"""`codalab-worker` as a person uses it: joins, serves, says so; what is refused, and in which words."""

from __future__ import annotations

import datetime as dt
import gc
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from codalab_nb import Options, Site
from codalab_nb.model.task import Verdict
from codalab_worker import limits
from tests.support.home import PATIENCE_S, Home, wait_for
from tests.support.notebooks import write
from tests.support.pools import KEY, Azure, Command, signed
from tests.support.servicebus import SDK_LEAVES_SOCKETS
from tests.support.workers import Machine, Serving, all_bytes, ask, mounted, needs_mounts

# The limit counts the start of two services, two workers and a site, too.
pytestmark = [SDK_LEAVES_SOCKETS, pytest.mark.timeout(300)]

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
def site(home: Home, steady: object) -> Iterator[Site]:
    with home.site(serve=True) as one:
        yield one
    gc.collect()  # what the SDK left open is told here, and not in somebody else's test


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
