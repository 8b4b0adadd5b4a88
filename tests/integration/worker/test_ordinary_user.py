"""The sandbox as an ordinary user: when the tests run as root, the same tests run once more without being root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.integration.worker.conftest import borrowing_venv

_NOBODY = 65534
_CHOSEN = " or ".join(
    f"test_{name}"
    for name in (
        *("hello", "parameters", "inputs", "many_inputs", "no_network", "system", "no_secret", "daemon"),
        *("memory_hidden", "disk_behind", "fork_bomb", "killing", "the_runner", "hostile"),
    )
)


def _interpreter_for_everybody() -> str | None:
    """A Python of our version that other users may run."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (os.path.realpath(sys.executable), shutil.which(version, path="/usr/bin:/usr/local/bin")):
        if candidate and all(parent.stat().st_mode & 0o001 for parent in Path(candidate).parents):
            return candidate
    return None


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="the other tests run as an ordinary user already")
@pytest.mark.timeout(120)
def test_as_an_ordinary_user(sandbox_works: None) -> None:
    """User namespaces instead of root's rights: entering, mounting inputs, limits and the watchdog work there too."""
    python = _interpreter_for_everybody()
    if python is None or shutil.which("setpriv") is None:
        reason = "no setpriv, or no Python of this version that other users may run"
        if os.environ.get("CODALAB_NB_TEST_ALL"):
            pytest.fail(reason)
        pytest.skip(reason)
    # Not below pytest's own folder, which is closed to others.
    with tempfile.TemporaryDirectory(prefix="ordinary-") as name:
        done = _run_again(Path(name), python)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout


# Binds source to target for each pair, in a mount namespace of its own, then runs the rest.
_BIND = 'while [ "$1" != -- ]; do mount --bind "$1" "$2" && shift 2 || exit 99; done; shift; exec "$@"'


def _run_again(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Packages and checkout may lie where only root can go (a clone below /root): they are bound to where all can."""
    folder.chmod(0o755)
    checkout = Path(__file__).resolve().parents[3]
    seen = {path: folder / "seen" / str(number) for number, path in enumerate(_borrowed(checkout))}
    for target in seen.values():
        target.mkdir(parents=True)
    interpreter = borrowing_venv(folder / "venv", python, [str(target) for target in seen.values()])
    for path in (folder / "venv").rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o044)
    (folder / "tmp").mkdir()
    os.chown(folder / "tmp", _NOBODY, _NOBODY)
    here = seen[checkout] / "tests" / "integration" / "worker"
    pairs = [str(path) for pair in seen.items() for path in pair]
    command = [
        *("unshare", "--mount", "sh", "-c", _BIND, "sh", *pairs, "--"),
        *("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"),
        *(str(interpreter), "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--basetemp={folder}/tmp/t"),
        *(str(here / "test_runs.py"), str(here / "test_walls.py"), str(here / "test_limits.py"), "-k", _CHOSEN),
    ]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder / "tmp"), "TMPDIR": str(folder / "tmp")}
    return subprocess.run(command, cwd=seen[checkout], env=environment, capture_output=True, text=True, check=False)


def _borrowed(checkout: Path) -> list[Path]:
    """The checkout, and what our own interpreter finds packages in (not its standard library)."""
    standard = Path(os.__file__).parent
    found = [Path(path).resolve() for path in sys.path if path and Path(path).is_dir()]
    packages = [path for path in found if path.name.endswith("-packages") or not path.is_relative_to(standard)]
    return list(dict.fromkeys([checkout, *(path for path in packages if path != standard)]))
