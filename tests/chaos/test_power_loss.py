"""Gap 24: a power cut right after "accepted", or right after a commit, loses neither."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codalab_nb.model import names
from codalab_nb.model.base import new_id
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import TaskDocument, Verdict
from codalab_nb.site import embedded
from tests.support.durability import CALLS, replay
from tests.support.home import PATIENCE_S, ROOT, Home
from tests.support.notebooks import write


@pytest.fixture
def traced(tmp_path: Path) -> list[str]:
    """The command that traces another one into `tmp_path/trace`."""
    tool = shutil.which("strace")
    if tool is None or subprocess.run([tool, "-o", "/dev/null", "true"], capture_output=True).returncode != 0:
        if os.environ.get("CODALAB_NB_TEST_ALL"):
            pytest.fail("strace does not work here")
        pytest.skip("needs strace: sudo apt install strace")
    return [tool, "-f", "-y", "-s", "4096", "-o", str(tmp_path / "trace"), "-e", f"trace={CALLS}"]


def test_accepted_is_durable(tmp_path: Path, traced: list[str]) -> None:
    """When the id is printed, document, blobs and the ledger's row would survive (I1)."""
    (tmp_path / "data.txt").write_text("some bytes")
    notebook = write(tmp_path / "n.ipynb", "open('data.txt').read()")
    task = new_id()
    with Home(tmp_path / "home") as home:
        done = subprocess.run(
            [*traced, sys.executable, str(ROOT / "tests/support/client.py"), "submit", str(notebook), task],
            env=home.environment(),
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=PATIENCE_S,
        )
        assert done.stdout.strip() == task, done.stderr
        document = TaskDocument.model_validate_json((home.places.store / TaskNames(task).document).read_bytes())
    needed = [TaskNames(task).document, *(names.blob(ref.sha256) for ref in (document.notebook, *document.inputs))]
    assert len(needed) == 3
    paths = [str(home.places.store / name) for name in needed]
    told = [
        [reason for path in [*paths, f"{home.places.ledger}-wal"] for reason in disk.missing(path)]
        for call, about, disk in replay(tmp_path / "trace", str(ROOT))
        if call == "write" and any("pipe:" in path for path in about)
    ]
    assert told
    assert [reasons for reasons in told if reasons] == []


def test_a_verdict_never_outlives_its_files(tmp_path: Path, traced: list[str]) -> None:
    """When `result.json` gets its name, manifest and files are durable already (I3); in the end it is, too (I2)."""
    notebook = write(tmp_path / "n.ipynb", "open('a.txt', 'w').write('A')", "print(1)")
    with Home(tmp_path / "home", CODALAB_NB_SANDBOX="none") as home, home.site() as site:
        task = site.run(notebook)
        process = subprocess.Popen(
            [*traced, sys.executable, "-m", "codalab_nb.background"],
            env=home.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
        )
        assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
        embedded.stop(home.places, PATIENCE_S)
        process.wait(PATIENCE_S)
        manifest = task.manifest
    assert manifest is not None
    store, task_names = home.places.store, TaskNames(task.id)
    files = [str(store / (task_names.files(1) + file.path)) for file in manifest.files]
    result = str(store / task_names.result)
    at_commit, last = None, ["never committed"]
    for call, about, disk in replay(tmp_path / "trace", str(ROOT)):
        if call == "link" and result in about:
            needed = [*files, str(store / task_names.manifest(1)), str(store / task_names.claim(1))]
            at_commit = [reason for path in needed for reason in disk.missing(path)]
        last = disk.missing(result)
    assert len(files) == 3, json.dumps(files)
    assert at_commit == []
    assert last == []
