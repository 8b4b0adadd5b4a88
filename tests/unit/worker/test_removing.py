"""Deleting hostile folders, without a sandbox around the test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codalab_worker.removing import remove_tree


def test_deep_closed_and_linked(tmp_path: Path) -> None:
    """5,000 levels, mode 000, odd names and names like our own temporary ones; links are not followed."""
    top = tmp_path / "top"
    (top / ".1" / "x").mkdir(parents=True)
    (top / ".2").write_text("a file where a folder wants to go")
    (top / ".3").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").touch()
    (top / "link").symlink_to(tmp_path / "outside")
    (top / ".1" / "x" / "link").symlink_to(tmp_path / "outside" / "kept")
    os.mkfifo(top / "fifo")
    Path(os.fsdecode(bytes(top) + b"/bad-\xff\n")).touch()
    here = os.open(top, os.O_RDONLY)
    for _ in range(5000):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    (top / ".1").chmod(0)
    top.chmod(0)
    remove_tree(top)
    assert not top.exists()
    assert (tmp_path / "outside" / "kept").exists()


def test_missing_and_linked_top(tmp_path: Path) -> None:
    """Nothing to delete is fine; a link in the place of the folder is an error, and its target stays."""
    remove_tree(tmp_path / "missing")
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="link"):
        remove_tree(tmp_path / "link")
    assert (tmp_path / "target").is_dir()
