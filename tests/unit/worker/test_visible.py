"""Which host folders a box sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from codalab_worker.sandboxes.visible import Visible, choose


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("home/venv/lib", "home/project", "home/.local/share/codalab", "home/lib", "opt/conda/lib"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path / "home"


def _choose(prefixes: list[Path], others: list[Path], home: Path) -> Visible:
    mask = str(home / ".local/share/codalab")
    return choose(map(str, prefixes), map(str, others), home=str(home), masks=[mask])


def test_prefixes_and_projects(home: Path) -> None:
    """An environment and an editable project below the home are bound; the home is not."""
    found = _choose([home / "venv"], [home / "project", home / "venv/lib", Path("/usr/lib/python3")], home)
    assert found.bind == (str(home / "project"), str(home / "venv"))
    assert (found.hide, found.skipped) == ((), ())


@pytest.mark.parametrize("path", ["/", "/tmp", "/etc", "/home"])
def test_system_folders_are_never_bound(path: str, home: Path) -> None:
    """An odd sys.path must not open the machine."""
    found = _choose([home / "venv"], [Path(path)], home)
    assert found.bind == (str(home / "venv"),)
    assert path in found.skipped


def test_home_on_the_path(home: Path) -> None:
    """The home itself, or a folder above it, on sys.path is left out and named."""
    found = _choose([], [home, home.parent], home)
    assert found.bind == ()
    assert set(found.skipped) == {str(home), str(home.parent)}


def test_prefix_that_is_the_home(home: Path) -> None:
    """A needed prefix that is too wide is narrowed to its parts."""
    assert _choose([home], [], home).bind == (str(home / "lib"),)


def test_codalab_home_is_hidden(home: Path) -> None:
    """Where a bound folder contains the codalab home, an empty folder covers it; what is inside and needed returns."""
    found = _choose([home / ".local"], [], home)
    assert found.bind == (str(home / ".local"),)
    assert found.hide == (str(home / ".local/share/codalab"),)
    inside = home / ".local/share/codalab/envs/one"
    inside.mkdir(parents=True)
    found = _choose([home / ".local", inside], [], home)
    assert found.bind_again == (str(inside),)
    assert str(inside) not in found.bind


def test_links_are_bound_under_both_names(home: Path) -> None:
    """A program is found by the name it was given and by the one its links lead to."""
    (home / "link").symlink_to(home.parent / "opt/conda")
    found = _choose([home / "link"], [], home)
    assert set(found.bind) == {str(home / "link"), str(home.parent / "opt/conda")}
