"""Warm pools shared by the tests of this folder: one with the sandbox, one without."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codalab_worker.sandboxes import probing
from codalab_worker.warm import Box, Warmth


@pytest.fixture(scope="session")
def sandbox_works() -> None:
    """Skips where bubblewrap does not work; fails there when everything must be tested."""
    if why := probing.why_not():
        if os.environ.get("CODALAB_NB_TEST_ALL"):
            pytest.fail(f"the sandbox must work here: {why}")
        pytest.skip(why)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A codalab home with something in it that no task may see."""
    folder = tmp_path_factory.mktemp("codalab-home")
    (folder / "secret.txt").write_text("canary-of-the-home")
    return folder


@pytest.fixture(scope="session")
def walled(sandbox_works: None, home: Path) -> Iterator[Warmth]:
    """A pool with the sandbox. The supervisor's environment holds a secret, as a real one's may."""
    os.environ["CODALAB_TEST_SECRET"] = "canary-of-the-environment"
    pool = Warmth(home / "scratch", sandbox="bubblewrap", mask=home, ready=2)
    yield pool
    pool.close()
    assert not list((home / "scratch").glob("w-*"))
    del os.environ["CODALAB_TEST_SECRET"]


@pytest.fixture(scope="session")
def unwalled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warmth]:
    pool = Warmth(tmp_path_factory.mktemp("open") / "scratch", sandbox="none", ready=1, science=False)
    yield pool
    pool.close()


@pytest.fixture(params=["bubblewrap", "none"])
def pool(request: pytest.FixtureRequest) -> Warmth:
    """Both kinds, one after the other."""
    chosen: Warmth = request.getfixturevalue("walled" if request.param == "bubblewrap" else "unwalled")
    return chosen


@pytest.fixture
def take() -> Iterator[Callable[..., Box]]:
    """Takes boxes from a pool and removes them when the test ends; then nothing of them is left on disk."""
    boxes: list[Box] = []

    def take_from(pool: Warmth, interpreter: str = sys.executable, **options: object) -> Box:
        box = pool.take(interpreter, **options)  # type: ignore[arg-type]
        boxes.append(box)
        return box

    yield take_from
    for box in boxes:
        box.remove()
        assert not box.folder.exists()


@pytest.fixture
def box(pool: Warmth, take: Callable[..., Box]) -> Box:
    """One box of either kind."""
    return take(pool)


@pytest.fixture
def wall(walled: Warmth, take: Callable[..., Box]) -> Box:
    """One box with the sandbox."""
    return take(walled)


def borrowing_venv(folder: Path, python: str, paths: list[str] | None = None) -> Path:
    """A virtual environment of `python` that sees `paths`, by default what this one has; its interpreter. Quick."""
    import subprocess

    subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True, capture_output=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    own = [path for path in sys.path if path and Path(path).is_dir()]
    (packages / "borrowed.pth").write_text("\n".join(own if paths is None else paths))
    return folder / "bin" / "python"


@pytest.fixture(scope="session")
def other_interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second environment with a module of its own."""
    folder = tmp_path_factory.mktemp("other") / "venv"
    python = borrowing_venv(folder, sys.executable)
    (next(folder.glob("lib/python*/site-packages")) / "only_there.py").write_text("answer = 42\n")
    return python
