"""Digests of files: right, remembered, and never remembered wrongly."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from pathlib import Path

import pytest

from codalab_nb.errors import InputError
from codalab_nb.packing import hashing
from codalab_nb.packing.hashing import DigestCache

OLD = 1_600_000_000_000_000_000  # ns; long before any hashing


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_bytes(b"a,b\n1,2\n")
    return path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file that is really read."""
    seen: list[Path] = []
    read = hashing._read

    def counted(file: object, path: Path, *rest: object) -> object:
        seen.append(path)
        return read(file, path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(hashing, "_read", counted)
    return seen


def settle(monkeypatch: pytest.MonkeyPatch, seconds: float = 10) -> None:
    """Lets the clock run on, so that files just written count as old."""
    now = hashing.time.time_ns()
    monkeypatch.setattr(hashing.time, "time_ns", lambda: now + int(seconds * 1e9))


def test_an_old_file_is_read_once(
    tmp_path: Path, file: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    with DigestCache(tmp_path / "cache.db") as cache:
        expected = hashlib.sha256(file.read_bytes()).hexdigest(), 8
        assert [cache.digest(file) for _ in range(3)] == [expected] * 3
    with DigestCache(tmp_path / "cache.db") as cache:
        assert cache.digest(file) == expected
    assert reads == [file]


def test_a_fresh_file_is_read_again(tmp_path: Path, file: Path, reads: list[Path]) -> None:
    """It may be written once more within the same tick of the clock, keeping size and times."""
    with DigestCache(tmp_path / "cache.db") as cache:
        cache.digest(file)
        cache.digest(file)
    assert len(reads) == 2


def test_old_looking_times_do_not_hide_a_change(
    tmp_path: Path, file: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same path, size, inode and modification time; only ctime tells, which no program can set."""
    settle(monkeypatch)
    os.utime(file, ns=(OLD, OLD))
    with DigestCache(tmp_path / "cache.db") as cache:
        first = cache.digest(file)
        file.write_bytes(b"a,b\n9,9\n")
        os.utime(file, ns=(OLD, OLD))
        assert cache.digest(file) != first
    assert len(reads) == 2


def test_a_replaced_file_is_read_again(
    tmp_path: Path, file: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    with DigestCache(tmp_path / "cache.db") as cache:
        first = cache.digest(file)
        other = tmp_path / "other"
        other.write_bytes(b"a,b\n3,4\n")
        other.replace(file)
        assert cache.digest(file) != first


def test_a_time_in_the_future_is_never_trusted(tmp_path: Path, file: Path, reads: list[Path]) -> None:
    os.utime(file, ns=(OLD * 2, OLD * 2))
    with DigestCache(tmp_path / "cache.db") as cache:
        cache.digest(file)
        cache.digest(file)
    assert len(reads) == 2


@pytest.mark.parametrize("damage", [b"not a database at all", b"SQLite format 3\0" + b"\xff" * 5_000, b""])
def test_a_damaged_cache_is_thrown_away(tmp_path: Path, file: Path, damage: bytes) -> None:
    path = tmp_path / "cache.db"
    path.write_bytes(damage)
    with DigestCache(path) as cache:
        assert cache.digest(file)[1] == 8
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM digests").fetchone() == (0,)
    database.close()


def test_a_cache_of_another_shape_is_thrown_away(tmp_path: Path, file: Path) -> None:
    path = tmp_path / "cache.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE digests (path TEXT, md5 TEXT)")
    database.close()
    with DigestCache(path) as cache:
        assert cache.digest(file)[1] == 8


def test_a_cache_that_cannot_be_made_or_is_locked_costs_only_time(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DigestCache(Path("/proc/none/cache.db")) as cache:
        assert cache.digest(file)[1] == 8
    path = tmp_path / "cache.db"
    settle(monkeypatch)
    with DigestCache(path) as cache:
        cache._database.execute("PRAGMA busy_timeout = 1")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        assert cache.digest(file)[1] == 8
        other.close()


def test_threads_share_one_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    files = [tmp_path / f"{index}.txt" for index in range(20)]
    for index, path in enumerate(files):
        path.write_text(str(index))
    found: list[tuple[str, int]] = []
    with DigestCache(tmp_path / "cache.db") as cache:
        threads = [threading.Thread(target=lambda: found.extend(map(cache.digest, files))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 160
    assert len(set(found)) == 20


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: None, "missing_file"),
        (lambda path: path.symlink_to("nowhere"), "missing_file"),
        (lambda path: path.mkdir(), "unreadable_file"),
        (os.mkfifo, "unreadable_file"),
        (lambda path: path.symlink_to(path.name), "unreadable_file"),
    ],
)
def test_what_is_no_readable_file(tmp_path: Path, make: object, code: str) -> None:
    path = tmp_path / "x"
    make(path)  # type: ignore[operator]
    with DigestCache(tmp_path / "cache.db") as cache, pytest.raises(InputError, match=str(path)) as caught:
        cache.digest(path)
    assert (caught.value.code, bool(caught.value.fix)) == (code, True)


def test_a_file_of_somebody_else(tmp_path: Path, file: Path) -> None:
    """Root may read everything, so a child gives that up; it works in the folder, which it could not reach by name."""
    file.chmod(0)
    tmp_path.chmod(0o777)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.chdir(tmp_path)
            if os.geteuid() == 0:
                os.setresuid(65534, 65534, 65534)
            with DigestCache(Path("cache.db")) as cache:
                cache.digest(Path(file.name))
        except InputError as error:
            code = 0 if error.code == "unreadable_file" else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize(
    "change", [lambda path: path.write_bytes(b"longer than before"), lambda path: os.truncate(path, 1)]
)
def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch, change: object
) -> None:
    read = hashing._read

    def disturbed(*given: object) -> object:
        found = read(*given)  # type: ignore[arg-type]
        change(file)  # type: ignore[operator]
        return found

    monkeypatch.setattr(hashing, "_read", disturbed)
    with DigestCache(tmp_path / "cache.db") as cache, pytest.raises(InputError) as caught:
        cache.digest(file)
    assert caught.value.code == "changed_while_reading"


def test_progress_is_told_for_large_files_only(tmp_path: Path, file: Path) -> None:
    large = tmp_path / "large"
    size = hashing.PROGRESS_FROM + 1
    with large.open("wb") as handle:
        handle.truncate(size)
    told: list[tuple[Path, int, int]] = []
    with DigestCache(tmp_path / "cache.db") as cache:
        cache.digest(file, lambda *step: told.append(step))
        assert told == []
        cache.digest(large, lambda *step: told.append(step))
    counts = [count for _, count, _ in told]
    assert counts == sorted(counts)
    assert told[-1] == (large, size, size)
