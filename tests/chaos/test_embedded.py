"""The embedded mode as people live with it: closed shells, kill -9, closed lids, two starts, two environments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

from codalab_nb import Options
from codalab_nb.model.task import State, Verdict
from codalab_nb.site import embedded
from tests.support.home import PATIENCE_S, ROOT, Home, wait_for
from tests.support.notebooks import write


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def has_output(home: Home, task: str) -> bool:
    return any(event["type"] == "output" for events in home.attempts(task) for event in events)


def test_kill_of_everything_in_the_middle_of_a_cell(home: Home, tmp_path: Path) -> None:
    """The next command starts it all again, the task runs once more and gets one verdict; status never says
    "running" of a task that nobody runs."""
    notebook = write(tmp_path / "n.ipynb", "import time\nprint('in', flush=True)\ntime.sleep(4)")
    with home:
        with home.site(serve=True) as site:
            task = site.run(notebook)
            wait_for(lambda: has_output(home, task.id))
            assert task.state == State.RUNNING
        home.kill_everything()
        with home.site(serve=False) as site:
            wait_for(lambda: site.task(task.id).state == State.QUEUED, 10)
        with home.site(serve=True) as site:
            site.serve_if_needed()
            restarted = time.monotonic()
            wait_for(lambda: len(home.attempts(task.id)) == 2 and home.starts(task.id) == 2)
            assert time.monotonic() - restarted < 10  # a promise to users, not a matter of speed
            assert site.task(task.id).wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
            assert site.task(task.id).row.n == 2


def test_closing_the_shell_right_after_submit_loses_nothing(home: Home, tmp_path: Path) -> None:
    """The background process belongs to no terminal: the submitter's whole session is killed, the task ends."""
    notebook = write(tmp_path / "n.ipynb", "import time\ntime.sleep(1)\nprint('done')")
    with home:
        shell = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/support/client.py"), "submit", str(notebook), "@"],
            env=home.environment(SERVE="1"),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd=ROOT,
        )
        assert shell.stdout is not None
        task = shell.stdout.readline().strip()
        os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()
        shell.stdout.close()
        with home.site() as site:
            assert site.task(task).wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
            assert home.starts(task) == 1


def test_two_starts_at_once_end_in_one_process(home: Home) -> None:
    """Several notebooks that open at the same moment share one background process."""
    with home:
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "codalab_nb.background"],
                env=home.environment(),
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(4)
        ]
        wait_for(lambda: sum(process.poll() is None for process in started) == 1)
        holder = wait_for(lambda: embedded.current(home.places))
        assert [process.pid for process in started if process.poll() is None] == [holder.pid]
        assert sorted(process.returncode for process in started if process.poll() is not None) == [0, 0, 0]
        embedded.stop(home.places, PATIENCE_S)
        for process in started:
            assert process.wait(PATIENCE_S) == 0


def test_a_closed_lid_loses_no_attempt(home: Home, tmp_path: Path) -> None:
    """Everything is suspended for many heartbeats and goes on: nobody was dead, nothing is run again."""
    notebook = write(tmp_path / "n.ipynb", "import time\nprint('in', flush=True)\ntime.sleep(3)\nprint('out')")
    with home, home.site() as site:
        home.background()
        task = site.run(notebook)
        wait_for(lambda: has_output(home, task.id))
        pids = list(home.processes())
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        closed_until = time.monotonic() + 10 * home.settings.heartbeat
        wait_for(lambda: time.monotonic() > closed_until)
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)
        assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
        assert home.starts(task.id) == 1


def test_two_notebooks_and_a_shell_submit_at_once(home: Home, tmp_path: Path) -> None:
    """50 tasks from three processes: all end, each once, each started once."""
    notebook = write(tmp_path / "n.ipynb", "print(x)", parameters="x = 1")
    home.variables["CODALAB_NB_WARM"] = "3"
    with home:
        submitters = [
            subprocess.Popen(
                [sys.executable, str(ROOT / "tests/support/client.py"), "many", str(notebook), str(count)],
                env=home.environment(SERVE="1"),
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
            for count in (17, 17, 16)
        ]
        ids = [line for process in submitters for line in process.communicate(timeout=PATIENCE_S)[0].split()]
        assert len(set(ids)) == 50
        with home.site() as site:
            verdicts = [site.task(task).wait(PATIENCE_S).verdict for task in ids]
            assert set(verdicts) == {Verdict.SUCCEEDED}
            assert [home.starts(task) for task in ids] == [1] * 50
            assert [len(home.attempts(task)) for task in ids] == [1] * 50
            assert all(not row.is_open for row in site.ledger.find())


def test_each_environment_gets_its_own_interpreter(home: Home, tmp_path: Path) -> None:
    """Two virtual environments, one background process: `python3` is the submitter's, in each result."""
    other = tmp_path / "other"
    venv.create(other, with_pip=False, symlinks=True)
    site_packages = next(path for path in (other / "lib").rglob("site-packages"))
    (site_packages / "shared.pth").write_text("\n".join(path for path in sys.path if path.startswith("/")))
    notebook = write(tmp_path / "n.ipynb", "import sys\nfrom codalab_nb import report\nprint(sys.prefix)")
    with home, home.site(serve=True) as site:
        mine = site.run(notebook)
        theirs = site.run(notebook, options=Options(interpreter=str(other / "bin" / "python")))
        for task, prefix in ((mine, sys.prefix), (theirs, str(other))):
            assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED, task.reason
            assert task.notebook is not None
            assert prefix in task.notebook.read_text()
            assert task.environment["prefix"] == prefix
        holders = [pid for pid, command in home.processes().items() if "codalab_nb.background" in command]
        assert len(holders) == 1


def test_it_goes_away_when_idle_and_comes_back(tmp_path: Path) -> None:
    """Nobody has to stop it; the next submit starts it again."""
    notebook = write(tmp_path / "n.ipynb", "print('hello')")
    with Home(tmp_path / "home", CODALAB_NB_IDLE="1") as home, home.site(serve=True) as site:
        assert site.run(notebook).wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
        wait_for(lambda: not home.processes())
        assert site.run(notebook).wait(PATIENCE_S).verdict == Verdict.SUCCEEDED


def test_an_older_version_makes_room(home: Home, tmp_path: Path) -> None:
    """After an upgrade the old process finishes what it runs and the new one takes over; no attempt is lost."""
    notebook = write(tmp_path / "n.ipynb", "import time\nprint('in', flush=True)\ntime.sleep(2)")
    program = (
        "import codalab_nb._version as v, sys\nv.__version__ = '0.0.1'\n"
        "from codalab_nb import background\nsys.exit(background.main())"
    )
    with home, home.site(serve=True) as site:
        old = subprocess.Popen([sys.executable, "-c", program], env=home.environment(), stderr=subprocess.DEVNULL)
        holder = wait_for(lambda: (it := embedded.current(home.places)) and it.pid == old.pid and it)
        assert holder.version == "0.0.1"
        first = site.submit([site.draft(notebook)])[0]  # asks the old one to make room, and starts a new one
        wait_for(lambda: old.poll() is not None)
        assert old.returncode == 0
        second = site.run(notebook)
        for task in (first, second):
            assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
            assert home.starts(task.id) == 1
        newer = wait_for(lambda: embedded.current(home.places))
        assert newer.version != "0.0.1"


def test_of_many_successors_one_waits(home: Home) -> None:
    """Every command after an upgrade asks for a newer process; they do not pile up behind an old one that is busy."""
    with home:
        fd = embedded.take_lock(home.places.lock, wait_s=0)
        assert fd is not None
        os.write(fd, b'{"pid": 0, "version": "0.0.1", "interpreter": "", "started_at": 0}')
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "codalab_nb.background"],
                env=home.environment(),
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(3)
        ]
        wait_for(lambda: sum(process.poll() is None for process in started) == 1)
        os.close(fd)
        holder = wait_for(lambda: (it := embedded.current(home.places)) and it.pid and it)
        (waited,) = [process for process in started if process.poll() is None]
        assert holder.pid == waited.pid
        embedded.stop(home.places, PATIENCE_S)
        assert waited.wait(PATIENCE_S) == 0


def test_stop_releases_what_runs_and_the_next_start_goes_on(tmp_path: Path) -> None:
    """`stop` is no verdict: the task is given back, and runs again when somebody works again."""
    notebook = write(tmp_path / "n.ipynb", "import time\nprint('in', flush=True)\ntime.sleep(3)")
    with Home(tmp_path / "home", CODALAB_NB_GRACE="0.2") as home, home.site() as site:
        home.background()
        task = site.run(notebook)
        wait_for(lambda: has_output(home, task.id))
        assert embedded.stop(home.places, PATIENCE_S) is not None
        wait_for(lambda: not home.processes())
        assert home.attempts(task.id)[0][-1]["type"] == "released"
        assert task.state == State.QUEUED
        home.background()
        assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
        assert home.starts(task.id) == 2
