"""The pool: boxes are used once, nothing leaks, and whatever dies is replaced."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from codalab_nb.errors import InputError, UnavailableError
from codalab_worker.sandboxes import bubblewrap, probing
from codalab_worker.warm import Box, Warmth
from tests.integration.worker.box_run import execute, follow, start


def _zygotes(of: int | None = None) -> list[psutil.Process]:
    return [
        process
        for process in psutil.Process(of).children()
        if process.status() != psutil.STATUS_ZOMBIE and "codalab_worker.zygote" in process.cmdline()
    ]


def test_every_box_is_new(pool: Warmth, take: Callable[..., Box]) -> None:
    """State of one task is never seen by the next."""
    for _ in range(3):
        box = take(pool)
        leave = "leak = 1\nopen('/tmp/leak' if os.getcwd() == '/task' else 'leak', 'x')"
        run = execute(box, "import os\nprint('leak' in globals())\n" + leave)
        assert run.text() == "False\n"
        assert run.ok


def test_many_takers_at_once(walled: Warmth, take: Callable[..., Box]) -> None:
    """A burst beyond the ready boxes is served, each taker with a box of its own."""
    boxes: list[Box] = []

    def take_one() -> None:
        boxes.append(walled.take(sys.executable))

    threads = [threading.Thread(target=take_one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len({box.folder for box in boxes}) == 6
        for box in boxes:
            start(box, "print('mine')")
        assert all(follow(box).ok for box in boxes)
    finally:
        for box in boxes:
            box.remove()


def test_environment_record(walled: Warmth) -> None:
    """Enough to rebuild the environment: versions and a sorted package list."""
    record = walled.environment(sys.executable)
    assert record["prefix"] == sys.prefix
    assert any(package.startswith("papermill==") for package in record["packages"])
    assert record["packages"] == sorted(record["packages"], key=str.lower)


@pytest.mark.parametrize("sandbox", ["bubblewrap", "none"])
def test_zygote_killed(sandbox: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """kill -9 of the zygote ends its boxes, by no fault of the task; the next take builds another (THREATS I11)."""
    if sandbox == "bubblewrap":
        request.getfixturevalue("sandbox_works")
    before = {process.pid for process in _zygotes()}
    pool = Warmth(tmp_path / "s", sandbox=sandbox, ready=1, science=False)  # type: ignore[arg-type]
    try:
        box = pool.take(sys.executable)
        start(box, "import time\ntime.sleep(100)")
        follow(box, until="cell_started")
        (zygote,) = [process for process in _zygotes() if process.pid not in before]
        zygote.kill()
        zygote.wait(10)
        assert follow(box).gone
        assert not box.holder_alive()
        box.kill()
        assert not box.holder_alive()
        box.remove()
        again = pool.take(sys.executable)
        assert execute(again, "1").ok
        again.remove()
    finally:
        pool.close()
    assert {process.pid for process in _zygotes()} == before


def test_holder_killed(wall: Box) -> None:
    """When the sandbox itself is ended from outside, it is not the task's fault."""
    start(wall, "import time\ntime.sleep(100)")
    follow(wall, until="cell_started")
    psutil.Process(wall._pid).kill()
    run = follow(wall)
    assert run.gone
    assert not wall.holder_alive()


def test_supervisor_killed(tmp_path: Path, sandbox_works: None) -> None:
    """kill -9 of the supervisor leaves no process behind, and the next one sweeps its folders."""
    scratch = tmp_path / "scratch"
    script = textwrap.dedent(
        f"""
        import sys, time
        from pathlib import Path
        from codalab_worker.warm import Warmth
        from tests.integration.worker.box_run import start, follow
        pool = Warmth(Path({str(scratch)!r}), sandbox="bubblewrap", ready=1, science=False)
        box = pool.take(sys.executable)
        start(box, "import os, time\\nif os.fork() == 0: os.setsid()\\ntime.sleep(1000)")
        follow(box, until="cell_started")
        print("running", flush=True)
        time.sleep(1000)
        """
    )
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=root, text=True) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "running\n"
        family = psutil.Process(supervisor.pid).children(recursive=True)
        assert len(family) >= 4
        supervisor.send_signal(signal.SIGKILL)
        supervisor.wait()
    # Reparented ones are reaped by somebody else: dead or zombie is the same here.
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    assert list(scratch.glob("w-*"))
    Warmth(scratch, sandbox="none", ready=0).close()
    assert not list(scratch.glob("w-*"))


def test_two_workers_share_a_scratch_folder(tmp_path: Path) -> None:
    """The sweep of one worker leaves the other's folders alone (THREATS I24)."""
    first = Warmth(tmp_path, sandbox="none", ready=0)
    second = Warmth(tmp_path, sandbox="none", ready=0)
    assert len(list(tmp_path.glob("w-*"))) == 2
    second.close()
    assert len(list(tmp_path.glob("w-*"))) == 1
    first.close()


def test_unknown_interpreters(unwalled: Warmth, tmp_path: Path) -> None:
    """Missing, not Python, or without this package: refused in words with a fix."""
    with pytest.raises(InputError, match="there is no such program") as missing:
        unwalled.take(str(tmp_path / "no-python"))
    assert missing.value.code == "no_interpreter"
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho nonsense >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(InputError, match="nonsense"):
        unwalled.take(str(broken))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    with pytest.raises(InputError, match="codalab-nb is not installed there") as bare:
        unwalled.take(str(tmp_path / "bare" / "bin" / "python"))
    assert "pip install codalab-nb" in bare.value.fix


def test_installing_a_package_makes_a_new_zygote(
    unwalled: Warmth, other_interpreter: Path, take: Callable[..., Box]
) -> None:
    """A task sees what was installed a moment ago, while a task that runs is left alone."""
    packages = next(other_interpreter.parent.parent.glob("lib/python*/site-packages"))
    running = take(unwalled, str(other_interpreter))
    start(running, "import time\nwhile not __import__('os').path.exists('go'): time.sleep(0.01)\nprint('undisturbed')")
    follow(running, until="cell_started")
    (packages / "fresh_one.dist-info").mkdir()
    (packages / "fresh_one.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: fresh-one\nVersion: 1.5\n")
    assert execute(take(unwalled, str(other_interpreter)), "1").ok
    assert "fresh-one==1.5" in unwalled.environment(str(other_interpreter))["packages"]
    (running.folder / "go").touch()
    assert follow(running).text() == "undisturbed\n"


def test_nothing_leaks(sandbox_works: None, tmp_path: Path) -> None:
    """Descriptors, processes, threads and folders are back where they were after a pool's life."""
    script = textwrap.dedent(
        f"""
        import os, sys, threading, psutil
        from pathlib import Path
        from codalab_worker.warm import Warmth
        from tests.integration.worker.box_run import execute
        def count():
            return len(os.listdir("/proc/self/fd")), len(psutil.Process().children()), threading.active_count()
        before = count()
        pool = Warmth(Path({str(tmp_path)!r}), sandbox="bubblewrap", ready=1, science=False)
        for _ in range(3):
            box = pool.take(sys.executable)
            assert execute(box, "1").ok
            box.remove()
            box.remove()  # twice is fine
        pool.close()
        assert count() == before, (count(), before)
        """
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.glob("w-*"))


def test_closed_pool(tmp_path: Path) -> None:
    """After close nothing is taken any more, in words."""
    pool = Warmth(tmp_path, sandbox="none", ready=0)
    pool.close()
    with pytest.raises(UnavailableError, match="stopping"):
        pool.take(sys.executable)


def test_without_fork(tmp_path: Path) -> None:
    """The path of platforms where a fork is not safe: a fresh runner process and a fresh kernel process."""
    pool = Warmth(tmp_path / "s", sandbox="none", ready=0, forks=False)
    try:
        box = pool.take(sys.executable)
        source = f"import os, sys\nprint(sys.prefix, os.getcwd() == {str(box.folder)!r})"
        run = execute(box, source, parameters={"x": 1})
        assert run.text(1) == f"{sys.prefix} True\n"
        box.remove()
    finally:
        pool.close()


def test_sandbox_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Asked for and missing is an error with a fix; `auto` says why it does without."""
    monkeypatch.setattr(bubblewrap, "find", lambda: None)
    with pytest.raises(UnavailableError, match="bubblewrap is not installed"):
        Warmth(tmp_path, sandbox="bubblewrap")
    pool = Warmth(tmp_path, sandbox="auto", ready=0)
    assert pool.sandbox == "none"
    assert pool.why_no_sandbox is not None
    pool.close()


def test_probe_names_the_cause() -> None:
    """The kernel's words are kept and a way out is added."""
    words = probing.explain("bwrap: setting up uid map: Permission denied")
    assert "uid map" in words
    assert len(words) > 60


def test_forged_and_long_lines(walled: Warmth, take: Callable[..., Box]) -> None:
    """Whatever comes out of a box is cut into lines; those above the cap are dropped and counted (THREATS O13)."""
    box = take(walled)
    ours = box._socket.dup()
    try:
        # What a captured runner could send, sent from our side of a second pair with the same reader.
        import socket

        left, right = socket.socketpair()
        box._socket.close()
        box._socket = left
        with right:
            for data in (b"not json\n", b'{"type":"finished"}\n', b"\n", b"x" * (3 << 20) + b"\n", b'{"a":1}\n'):
                sender = threading.Thread(target=right.sendall, args=(data,))
                sender.start()
                while not (lines := box.read(1)) and data.strip() and len(data) < 1 << 20:
                    pass
                sender.join()
                if len(data) > 1 << 20:
                    assert (lines, box.dropped) == ([], 1)
                elif data.strip():
                    assert lines == [data.strip()]
    finally:
        ours.close()
