"""Time, memory, disk, processes and output: what happens at each limit (THREATS C14, O7-O10, R1-R10, R16)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from codalab_worker.warm import Box, Warmth
from codalab_worker.watching import resident_bytes
from tests.integration.worker.box_run import execute, follow, start

_MIB = 1 << 20


@pytest.mark.parametrize(
    "source",
    [
        "while True: pass",
        "import signal as s, time\ns.signal(s.SIGINT, s.SIG_IGN)\ns.signal(s.SIGTERM, s.SIG_IGN)\ntime.sleep(1e6)",
        "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
        "while True: print('x' * 1000)",
    ],
    ids=["loop", "ignores-signals", "stops-itself", "prints-for-ever"],
)
def test_timeout(source: str, wall: Box) -> None:
    """At the limit the run ends, with what it had, however the kernel behaves (THREATS R1, R2)."""
    run = execute(wall, "print('kept')", source, "print('never')", timeout_s=2)
    assert (run.code, run.reason["cell"]) == ("timeout", 1)
    assert run.text(0) == "kept\n"
    assert run.seconds < 8
    assert len(run.of("cell_started")) == 2


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os\nos._exit(0)", "exit code 0"),
        ("import os\nos._exit(3)", "exit code 3"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
        ("import os\nos.abort()", "SIGABRT"),
        ("get_ipython().kernel.do_shutdown(False)", "exit code 0"),
        ("import os\nos.execvp('sleep', ['sleep', '1000'])", "closed its connections"),
    ],
    ids=["exit-0", "exit-3", "sigkill", "segfault", "abort", "shutdown", "exec"],
)
def test_kernel_death(source: str, words: str, wall: Box) -> None:
    """Every way to die is noticed at once and told, and earlier outputs are kept (THREATS R3, R7, R8, R16)."""
    run = execute(wall, "print('before')", "print('partial', flush=True)\n" + source, "print('never')")
    assert (run.code, run.reason["cell"]) == ("kernel_died", 1)
    assert words in run.reason["message"]
    assert run.text(0) == "before\n"
    assert run.seconds < 5


def test_partial_output_of_a_dying_kernel(wall: Box) -> None:
    """What was said before the death is in the notebook."""
    run = execute(wall, "print('partial', flush=True)\nimport time, os\ntime.sleep(0.3)\nos._exit(1)")
    assert run.text() == "partial\n"


def test_memory(walled: Warmth, take: Callable[..., Box]) -> None:
    """The sum over all processes counts, wherever the memory is; what the zygote had imported does not."""
    limits = {"memory_bytes": 300 * _MIB}
    assert execute(take(walled), "x = bytearray(b'1') * (100 << 20)\nimport time\ntime.sleep(0.5)", limits=limits).ok
    rest = "import time\ntime.sleep(30)"
    children = "import os, time\nfor _ in range(5):\n    if os.fork() == 0:\n        %s\n        time.sleep(30)\n"
    hogs = [
        "x = bytearray(b'1') * (3 << 30)\n" + rest,
        children.replace("%s", "x = bytearray(b'1') * (90 << 20)") + rest,
        "x = bytearray(b'1') * (400 << 20)\n" + children.replace("%s", "pass") + rest,
        "f = open('/tmp/fill', 'wb')\nfor _ in range(400): f.write(b'1' * (1 << 20))\nf.flush()\n" + rest,
    ]
    for hog in hogs:
        assert execute(take(walled), hog, limits=limits).code == "oom", hog


@pytest.mark.parametrize(
    "hold",
    [
        "held = bytearray(b'1') * (400 << 20)",
        "import mmap\nheld = mmap.mmap(-1, 400 << 20)\nheld.write(b'1' * (400 << 20))",
    ],
    ids=["inherited", "mapped"],
)
def test_memory_that_no_process_has_alone(hold: str, walled: Warmth, take: Callable[..., Box]) -> None:
    """Nobody looks before it is shared; then it counts all the same, however many other boxes there are."""
    beside = [take(walled) for _ in range(3)]
    box = take(walled)
    child = "if os.fork() == 0:\n        sum(held[::4096])\n        os.write(done, b'1')\n        time.sleep(60)"
    wait = "for _ in range(5):\n    os.read(waits, 1)\nprint('all', 'touched', flush=True)\ntime.sleep(60)"
    source = f"import os, time\nwaits, done = os.pipe()\n{hold}\nfor _ in range(5):\n    {child}\n{wait}"
    start(box, source, limits={"memory_bytes": 300 * _MIB})
    told = b""
    while b"all touched" not in told:
        told += b"".join(box.read(40))
    assert box.overstep() == "oom"
    assert beside


def test_memory_without_sandbox(unwalled: Warmth, take: Callable[..., Box]) -> None:
    """The watchdog looks at boxes without a sandbox too."""
    source = "x = bytearray(b'1') * (2 << 30)\nimport time\ntime.sleep(30)"
    assert execute(take(unwalled), source, limits={"memory_bytes": 300 * _MIB}).code == "oom"


def test_memory_hidden_from_the_watchdog(wall: Box) -> None:
    """A process that forbids looking at its memory map is counted by what it has resident."""
    source = "import ctypes, time\nctypes.CDLL(None).prctl(4, 0)\nx = bytearray(b'1') * (2 << 30)\ntime.sleep(30)"
    assert execute(wall, source, limits={"memory_bytes": 500 * _MIB}).code == "oom"


def test_disk(pool: Warmth, take: Callable[..., Box]) -> None:
    """Many files, one large file (a limit of the kernel), a deleted one kept open, too many entries (THREATS R10)."""
    limits = {"file_bytes": 20 * _MIB, "files": 500}
    many = "import time\nfor i in range(12): open(f'f{i}', 'wb').write(b'1' * (2 << 20))\ntime.sleep(30)"
    assert execute(take(pool), many, limits=limits).code == "disk_limit"
    one = "open('f', 'wb').write(b'1' * (30 << 20))"
    assert execute(take(pool), one, limits=limits).reason["ename"] == "OSError"
    entries = "import time\nfor i in range(600): open(f'e{i}', 'w').close()\ntime.sleep(30)"
    assert execute(take(pool), entries, limits=limits).code == "disk_limit"
    hidden = (
        "import os, time\nkept = []\nfor i in range(12):\n    kept.append(open('h', 'wb', buffering=0))\n"
        "    kept[-1].write(b'1' * (2 << 20))\n    os.unlink('h')\ntime.sleep(30)"
    )
    assert execute(take(pool), hidden, limits=limits).code == "disk_limit"


def test_disk_behind_a_closed_folder(wall: Box) -> None:
    """A folder of mode 000 is no hiding place from a watchdog that runs as the same user."""
    source = "import os, time\nos.mkdir('d')\nfor i in range(20): open(f'd/{i}', 'wb').write(b'1' * (2 << 20))\n"
    closed = "os.mkdir('e')\nos.rename('d', 'e/d')\nos.chmod('e/d', 0)\nos.chmod('e', 0)\ntime.sleep(30)"
    assert execute(wall, source + closed, limits={"file_bytes": 20 * _MIB}).code == "disk_limit"


def test_inputs_do_not_count_as_disk(wall: Box, tmp_path: object) -> None:
    """A large input is not the task's doing, mounted or copied."""
    import pathlib

    assert isinstance(tmp_path, pathlib.Path)
    for name, mode in (("open", 0o644), ("private", 0o600)):
        (tmp_path / name).write_bytes(b"1" * (8 * _MIB))
        (tmp_path / name).chmod(mode)
    wall.place([(tmp_path / "open", "a"), (tmp_path / "private", "b")])
    run = execute(wall, "import time\ntime.sleep(0.5)", limits={"file_bytes": 2 * _MIB})
    assert run.ok


def test_fork_bomb(wall: Box) -> None:
    """The kernel refuses at the limit, the box stays in its share, and all of it dies (THREATS R4)."""
    source = """
import os, time
made = 0
try:
    for _ in range(2000):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
except OSError as error:
    print('stopped', made, error.errno)
"""
    run = execute(wall, source, limits={"processes": 100})
    assert run.code in (None, "pids_limit")
    if run.ok:
        word, made, number = run.text().split()
        assert (word, number) == ("stopped", "11")
        assert int(made) < 100


def test_fork_bomb_without_sandbox(unwalled: Warmth, take: Callable[..., Box]) -> None:
    """Where the kernel cannot count per box, the watchdog does."""
    source = "import os, time\nfor _ in range(60):\n    if os.fork() == 0: time.sleep(60)\ntime.sleep(60)"
    assert execute(take(unwalled), source, limits={"processes": 40}).code == "pids_limit"


def test_flood_of_text(wall: Box) -> None:
    """200 MB of prints end well: kept to the cap, marked, counted, and the runner does not swell (THREATS O7)."""
    start(wall, "line = 'x' * 99_999\nfor _ in range(2000): print(line)\nprint('end', flush=True)", "print('after')")
    run = follow(wall)
    largest = max(resident_bytes(Path(f"/proc/{pid}")) for pid in psutil.pids())
    assert run.ok, run.reason
    assert run.end is not None
    assert run.end["truncated"]
    text = run.text()
    assert len(text) < 1_000_200
    assert "output truncated by codalab_nb: " in text
    more = int(text.rpartition(": ")[2].split()[0].replace(",", ""))
    assert more > 190_000_000
    assert run.text(1) == "after\n"
    assert largest < 900 * _MIB
    streamed = sum(len(line["output"]["text"]) for line in run.of("output"))
    assert streamed < 1_000_200


def test_one_huge_output(wall: Box) -> None:
    """One text of 100 MB is cut; one picture of that size is replaced by a marker (THREATS O8)."""
    run = execute(
        wall,
        "from IPython.display import display\ndisplay({'text/plain': 'x' * 100_000_000}, raw=True)",
        "display({'image/png': 'A' * 60_000_000, 'text/plain': 'small'}, raw=True)",
        "display({'image/png': 'A' * 3_000_000}, raw=True)",
    )
    assert run.ok, run.reason
    assert run.end is not None
    assert run.end["truncated"]
    assert "99,000,000 more bytes" in run.cells()[0]["outputs"][0]["data"]["text/plain"]
    assert "60,0" in run.cells()[1]["outputs"][0]["text"]
    assert len(run.cells()[2]["outputs"][0]["data"]["image/png"]) == 3_000_000
    assert wall.dropped == 0


def test_many_outputs(wall: Box) -> None:
    """Outputs above the number cap are left out and counted; an error is kept all the same (THREATS O9)."""
    source = "from IPython.display import display\nfor i in range(60): display(i)"
    run = execute(wall, source, "print('dropped')", "1/0", output={"outputs": 50})
    assert run.code == "cell_error"
    assert len(run.cells()[0]["outputs"]) == 51
    assert "10 more outputs" in run.cells()[0]["outputs"][-1]["text"]
    assert run.cells()[2]["outputs"][-1]["output_type"] == "error"


def test_invalid_output(wall: Box) -> None:
    """A value that is no MIME data becomes a note; the rest of the notebook is untouched (THREATS O10)."""
    run = execute(
        wall, "display({'text/html': 5}, raw=True)\nprint('next')", "display({'text/plain': 'fine'}, raw=True)"
    )
    assert run.ok
    assert "left out an output: its text/html is not text but int" in run.text(0)
    assert run.text(0).endswith("next\n")
    assert run.cells()[1]["outputs"][0]["data"] == {"text/plain": "fine"}


def test_bytes_that_are_not_text(wall: Box) -> None:
    """What a program writes to descriptor 1 is text with replacements (THREATS O11)."""
    run = execute(
        wall, "import subprocess\nsubprocess.run(['printf', r'caf\\303\\251 \\377'])\nimport time\ntime.sleep(0.3)"
    )
    assert run.ok
    assert "café \ufffd" in run.text()
