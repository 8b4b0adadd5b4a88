"""The command line with a home of its own for each test: no sandbox, the end of everything, the demo."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.home import Home, wait_for
from tests.support.notebooks import write

COMMAND = str(Path(sys.executable).with_name("codalab-nb"))


def caller(home: Home, folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the installed command in `folder`."""

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *words],
            env=home.environment(),
            cwd=folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=90,
        )

    return call


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_from_nothing_to_nothing(tmp_path: Path) -> None:
    """Without a sandbox that is said, loudly and once; a file in home that is not ours stays there."""
    write(tmp_path / "n.ipynb", "import time; print('x', flush=True); time.sleep(60)")
    with Home(tmp_path / "h", CODALAB_NB_GRACE="0.1", CODALAB_NB_SANDBOX="none") as home:
        call = caller(home, tmp_path)
        task = call("run", "n.ipynb", "--no-wait").stdout.strip()
        wait_for(lambda: call("logs", task).stdout == "x\n")
        assert call("logs", task).stderr.count("NO SANDBOX") == 1
        stopped = call("stop")
        assert "Stopped" in stopped.stderr
        assert task[-8:] in stopped.stderr
        assert "no background process" in call("stop").stderr
        assert call("cancel", task).returncode == 0
        cleaned = json.loads(call("clean", "--older-than", "0s", "--dry-run", "--json").stdout)
        assert cleaned["tasks"] == 1
        assert f"{task[-8:]}  n.ipynb" in call("clean", "--older-than", "0s", "--dry-run").stderr
        assert "cell_" not in call("status", task).stdout
        assert json.loads(call("status", "--json").stdout)
        assert call("monitor", "--once").returncode == 0
        assert call("doctor").returncode == 0
        (home.folder / "mine.txt").write_text("not ours")
        asked = call("uninstall", "--json")
        assert json.loads(asked.stdout)["errors"][0]["code"] == "confirm"
        assert "1 result" in json.loads(asked.stdout)["errors"][0]["message"]
        assert call("uninstall", "--yes", "--keep-results").returncode == 0
        assert names(home.folder) == ["mine.txt", "store"]
        assert call("monitor", "--rebuild", "--once").returncode == 0
        assert json.loads(call("status", "--json").stdout)[0]["task"] == task
        assert call("uninstall", "--yes").returncode == 0
        assert names(home.folder) == ["mine.txt"]


def test_demo_tells_the_main_job(tmp_path: Path) -> None:
    with Home(tmp_path / "h") as home:
        call = caller(home, tmp_path)
        done = call("demo")
        assert done.returncode == 0, done.stderr
        words = " ".join(done.stderr.replace("\N{NO-BREAK SPACE}", " ").split())
        for told in ("golub_leukemia@1", "27 ALL and 11 AML", "691 of 3,051", "16.5 %", "3 of 3 analyses succeeded"):
            assert told in words, told
        assert f"results {done.stdout.strip()[-8:]} --to" in words
        again = json.loads(call("demo", "--json").stdout)
        assert [one["verdict"] for one in again["tasks"]] == ["succeeded"] * 3
        assert again["dataset"] == "golub_leukemia@1"
