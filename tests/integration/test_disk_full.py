"""A disk that fills up: on a real small file system, in a mount namespace of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.home import PATIENCE_S, ROOT
from tests.support.notebooks import write

PROGRAM = """
import sqlite3, sys
from pathlib import Path
from codalab_nb import Site
from codalab_nb.errors import UnavailableError

home, notebook, big = map(Path, sys.argv[1:])
with Site.open(serve=False) as site:
    small = site.run(notebook)
    (home / "filler").write_bytes(bytes(3 << 20))
    try:
        site.run(notebook, inputs={"data": big})
        print("accepted")
    except UnavailableError as error:
        print(error.code, error.exit_code)
    print("tasks", len(site.ledger.find()))
    print("half-made", len(list(site.store.list("tmp/"))))
    print("check", site.ledger._database.query("PRAGMA integrity_check")[0][0])
    (home / "filler").unlink()
    site.run(notebook)
    print("tasks", len(site.ledger.find()))
"""


def _unshare() -> list[str]:
    """A command prefix that gives the test a mount namespace; without one the reason why not."""
    tool = shutil.which("unshare")
    if tool is None:
        return []
    prefix = [tool, "--mount"] if os.getuid() == 0 else [tool, "--map-root-user", "--mount"]
    return prefix if subprocess.run([*prefix, "true"], capture_output=True).returncode == 0 else []


def test_a_full_disk_refuses_and_breaks_nothing(tmp_path: Path) -> None:
    """I7: not accepted, exit code 3, nothing half-made stays, the ledger is sound; with room again it goes on."""
    prefix = _unshare()
    if not prefix:
        if os.environ.get("CODALAB_NB_TEST_ALL"):
            pytest.fail("mount namespaces are not permitted here")
        pytest.skip("needs a mount namespace: run as root, or allow unprivileged user namespaces")
    home = tmp_path / "small"
    home.mkdir()
    big = tmp_path / "big.bin"
    big.write_bytes(os.urandom(2 << 20))
    notebook = write(tmp_path / "n.ipynb", "print(1)")
    script = 'mount -t tmpfs -o size=4m none "$1" && shift && exec "$@"'
    done = subprocess.run(
        [
            *prefix,
            "sh",
            "-c",
            script,
            "sh",
            str(home),
            sys.executable,
            "-c",
            PROGRAM,
            str(home),
            str(notebook),
            str(big),
        ],
        env={**os.environ, "CODALAB_NB_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd=ROOT,
    )
    assert done.stdout.splitlines() == ["disk_full 3", "tasks 1", "half-made 0", "check ok", "tasks 2"], done.stderr
