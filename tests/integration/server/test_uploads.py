"""Uploads go to disk as they come: constant memory, nothing left of what was broken off."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from uuid import uuid4

import pytest

from codalab_nb.errors import CodalabError, InputError, UnavailableError
from codalab_nb.frontends.server import uploads as module
from codalab_nb.frontends.server.uploads import Uploads, checked_name
from tests.support.home import wait_for
from tests.support.server import API, TOKEN, JupyterServer


def begin(server: JupyterServer, upload: str, length: int) -> socket.socket:
    """The head of an upload, as a browser sends it."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    head = (
        f"PUT {API}/uploads/{upload}?name=big.csv HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: token {TOKEN}\r\nContent-Length: {length}\r\n\r\n"
    )
    connection.sendall(head.encode())
    return connection


def peak_kb(server: JupyterServer) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def test_memory_does_not_grow_with_an_upload(server: JupyterServer) -> None:
    """256 MB through a server that holds a few: a large matrix must not take the person's kernels with it."""
    server.request("PUT", f"/uploads/{uuid4()}", content=b"x" * (1 << 20), name="warm.csv")
    before, one, size = peak_kb(server), str(uuid4()), 256 << 20
    with begin(server, one, size) as connection:
        piece = b"1,2,3\n" * (1 << 17)
        left = size
        while left:
            part = piece[: min(left, len(piece))]
            connection.sendall(part)
            left -= len(part)
        assert b"201 Created" in connection.recv(4096)
    assert (server.home.folder / "uploads" / one / "big.csv").stat().st_size == size
    assert peak_kb(server) - before < 48 << 10
    assert server.request("DELETE", f"/uploads/{one}").json == {"done": True}
    assert not (server.home.folder / "uploads" / one).exists()


def test_an_upload_that_is_broken_off_leaves_nothing(server: JupyterServer) -> None:
    one = str(uuid4())
    folder = server.home.folder / "uploads" / one
    with begin(server, one, 10 << 20) as connection:
        connection.sendall(b"x" * (2 << 20))
        wait_for(lambda: folder.exists() and any(folder.iterdir()))
        reply = server.post("/datasets", {"uploads": [one]})
        assert (reply.status, reply.codes) == (409, ["upload_open"])
    wait_for(lambda: not folder.exists())
    assert server.post("/datasets", {"uploads": [one]}).codes == ["upload_unknown"]


def test_other_requests_are_answered_while_files_come(server: JupyterServer) -> None:
    """Two uploads that stand still hold nothing up."""
    with begin(server, str(uuid4()), 1 << 20) as one, begin(server, str(uuid4()), 1 << 20) as other:
        one.sendall(b"x" * 1000)
        other.sendall(b"x" * 1000)
        assert server.get("/examples").status == 200


# --- without a server


def test_the_newer_of_two_uploads_of_one_id_counts_and_each_is_whole(tmp_path: Path) -> None:
    """A page that lost its connection sends again before the server noticed."""
    uploads, one = Uploads(tmp_path), str(uuid4())
    first, second = uploads.start(one, "a.csv"), uploads.start(one, "a.csv")
    first.write(b"half")
    second.write(b"whole")
    first.abort()
    second.finish()
    assert uploads.path(one).read_bytes() == b"whole"
    assert [path.name for path in (tmp_path / one).iterdir()] == ["a.csv"]


def test_a_full_disk_is_told_in_words_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads, one = Uploads(tmp_path), str(uuid4())
    coming = uploads.start(one, "a.csv")
    monkeypatch.setattr(module, "_SPARE", 1 << 60)
    with pytest.raises(UnavailableError) as refused:
        coming.write(b"x" * (9 << 20))
    assert refused.value.code == "disk_full"
    coming.abort()
    assert not (tmp_path / one).exists()


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CodalabError) as refused:
        Uploads(tmp_path / "file" / "uploads").start(str(uuid4()), "a.csv")
    assert refused.value.code == "home_not_writable"


def test_what_nobody_wanted_is_collected_and_what_comes_is_not(tmp_path: Path) -> None:
    uploads, old, new = Uploads(tmp_path), str(uuid4()), str(uuid4())
    uploads.start(old, "a.csv").finish()
    long_ago = time.time() - 2 * module.KEPT_S
    for path in (tmp_path / old / "a.csv", tmp_path / old):
        os.utime(path, (long_ago, long_ago))
    coming = uploads.start(new, "b.csv")
    assert not (tmp_path / old).exists()
    coming.write(b"x")
    coming.finish()
    assert uploads.path(new).read_bytes() == b"x"


@pytest.mark.parametrize("one", ["../x", "..", "", "a/b", "NOT-AN-ID"])
def test_an_id_that_is_none_names_no_folder(tmp_path: Path, one: str) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "up").mkdir()
    with pytest.raises(InputError):
        Uploads(tmp_path / "up").path(one)
    Uploads(tmp_path / "up").forget(one)
    assert (tmp_path / "secret").exists()
    assert (tmp_path / "up").exists()


def test_names_as_browsers_and_operating_systems_give_them() -> None:
    assert checked_name("C:\\data\\été.csv") == "été.csv"
    assert checked_name("e\u0301te\u0301.csv") == "été.csv"  # macOS
    assert checked_name("../../etc/x.csv") == "x.csv"


@pytest.mark.parametrize("name", ["a\u202eb.csv", "a\x07b.csv", "profile.json", ".x"])
def test_names_that_hide_what_they_are_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"file name|called"):
        checked_name(name)
