"""Homes that will not do, and the way round them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codalab_nb import places
from codalab_nb.errors import UnavailableError
from codalab_nb.settings import Settings

MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/export /home nfs4 rw 0 0
tmpfs /home/ann/fast tmpfs rw 0 0
share /mnt/My\\040Share cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/x", "ext4"),
        ("/home/ann/x", "nfs4"),
        ("/home/ann/fast/x", "tmpfs"),
        ("/mnt/My Share/x", "cifs"),
        ("/homes", "ext4"),
    ],
)
def test_the_file_system_of_a_path(path: str, kind: str) -> None:
    """The longest mount point wins, names with blanks included."""
    assert places.filesystem_of(Path(path), MOUNTS) == kind


def test_network_homes_keep_ledger_and_queue_local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """SQLite never lives on a network file system; the store may."""
    monkeypatch.setattr(places, "filesystem_of", lambda path, mounts=None: "nfs4" if path == tmp_path else "ext4")
    where = places.prepare(Settings(home=tmp_path))
    assert where.store.is_relative_to(tmp_path)
    assert not where.ledger.is_relative_to(tmp_path)
    assert where.state.stat().st_mode & 0o077 == 0
    where.state.rmdir()


def test_a_home_that_cannot_be_made_says_what_to_set(tmp_path: Path) -> None:
    """Exit code 3 with the variable to set, not a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="CODALAB_NB_HOME") as caught:
        places.prepare(Settings(home=tmp_path / "file" / "home"))
    assert (caught.value.code, caught.value.exit_code) == ("home_not_writable", 3)


def test_a_read_only_home(tmp_path: Path) -> None:
    """The same for a folder that is there and may not be written. Root may write anywhere, so a child gives that up."""
    tmp_path.chmod(0o500)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.getuid() == 0:
                os.chown(tmp_path, 65534, 65534)
                os.chdir(tmp_path)
                os.setresuid(65534, 65534, 65534)
            places.prepare(Settings(home=tmp_path))
        except UnavailableError as error:
            code = 0 if error.code == "home_not_writable" else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    tmp_path.chmod(0o700)
    assert os.waitstatus_to_exitcode(status) == 0
