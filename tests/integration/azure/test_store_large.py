"""Large files: in parts, taken up after a kill, whole or not there at all; and the worker's cache of inputs."""

from __future__ import annotations

import concurrent.futures
import hashlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codalab_nb.model.base import new_id
from codalab_nb.model.bundle import FileRef, Manifest
from codalab_nb.model.names import TaskNames, blob
from codalab_nb.stores.azure_cache import Cache
from codalab_nb.stores.azure_fetch import PART_BYTES, part_of
from codalab_nb.stores.azure_parts import PART_BYTES as RESULT_PART_BYTES
from codalab_nb.stores.azure_upload import BLOCK_BYTES
from codalab_nb.stores.ports import NotFound
from tests.support.azure_store import Lab
from tests.support.azurite import Account
from tests.support.fault_proxy import FaultProxy


@pytest.fixture
def lab(account: Account, tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(account, tmp_path)
    yield lab
    lab.close()


def a_file(path: Path, size: int, seed: int = 1) -> tuple[Path, str]:
    """Bytes that differ everywhere, so that a part in the wrong place would be noticed."""
    data = random.Random(seed).randbytes(size)
    path.write_bytes(data)
    return path, hashlib.sha256(data).hexdigest()


def test_an_input_goes_up_and_comes_down_in_parts(lab: Lab, tmp_path: Path) -> None:
    """Blocks up, ranges down, several at a time, with progress on both sides; what arrives is what was sent."""
    size = 3 * BLOCK_BYTES + 12_345
    source, digest = a_file(tmp_path / "source", size)
    seen: list[tuple[str, int, int]] = []
    site = lab.site(progress=lambda *line: seen.append(line))
    assert site.put_blob(source, digest)
    assert sorted(done for _, done, _ in seen)[-1] == size
    assert {total for _, _, total in seen} == {size}
    assert len(seen) == 4

    seen.clear()
    task = new_id()
    process = lab.process(progress=lambda *line: seen.append(line))
    worker = process.open(task, 1, lab.link(task, inputs=[digest]))
    assert worker.blob(digest, size).read_bytes() == source.read_bytes()
    assert [done for _, done, _ in seen][-1] == size
    assert len(seen) == 4
    process.close()


_UPLOAD = """
import sys
from pathlib import Path
from codalab_nb.stores.azure import AzureStore
url, key, prefix, cache, source, digest = sys.argv[1:]
AzureStore(url, key, prefix=prefix, cache=Path(cache)).put_blob(Path(source), digest)
"""


def test_an_upload_goes_on_where_it_was_killed(lab: Lab, tmp_path: Path, account: Account) -> None:
    """After kill -9 there is nothing under the digest's name, and the next try sends only what lacks."""
    blocks = 6
    source, digest = a_file(tmp_path / "source", blocks * BLOCK_BYTES)
    with FaultProxy(account.url) as proxy:
        command = [sys.executable, "-c", _UPLOAD, proxy.url, account.key, lab.prefix, str(tmp_path / "c")]
        lab.site().create("datasets/d/1.json", b"{}")
        killed = subprocess.run(
            [*command, str(source), digest], env={**os.environ, "CODALAB_NB_FAILPOINT": "submit.blob.mid:kill@5"}
        )
        assert killed.returncode == -signal.SIGKILL
        assert lab.site().look(blob(digest)) is None
        assert digest not in "".join(lab.site().list("blobs/"))
        sent_before = sum("comp=block&" in line.path for line in proxy.journal if line.status == 201)
        with proxy.counting() as lines:
            subprocess.run([*command, str(source), digest], check=True)
        sent = sum("comp=block&" in line.path for line in lines)
    assert sent_before > 0
    assert sent == blocks - sent_before
    assert lab.site().folder(blob(digest)).read_bytes() == source.read_bytes()


_DOWNLOAD = """
import sys
from pathlib import Path
from codalab_nb.stores.azure_attempt import AzureAttempts
from codalab_nb.stores.azure_cache import Cache
task, link, cache, digest, size = sys.argv[1:]
print(AzureAttempts(Cache(Path(cache))).open(task, 1, link).blob(digest, int(size)))
"""


def test_a_download_goes_on_where_it_was_killed(lab: Lab, tmp_path: Path) -> None:
    """Half a file is never taken for one; the parts that are there are not fetched again."""
    parts = 6
    source, digest = a_file(tmp_path / "source", parts * PART_BYTES - 7)
    size = source.stat().st_size
    lab.site().put_blob(source, digest)
    task, cache = new_id(), tmp_path / "worker"
    arguments = [task, lab.link(task, inputs=[digest]), str(cache), digest, str(size)]
    killed = subprocess.run(
        [sys.executable, "-c", _DOWNLOAD, *arguments],
        env={**os.environ, "CODALAB_NB_FAILPOINT": "worker.stage.mid:kill@3"},
    )
    assert killed.returncode == -signal.SIGKILL
    final = Cache(cache).path(digest)
    assert not final.exists()
    assert part_of(final).exists()
    fetched: list[int] = []
    process = lab.process(Cache(cache), progress=lambda _name, done, _total: fetched.append(done))
    assert process.open(task, 1, lab.link(task, inputs=[digest])).blob(digest, size).read_bytes() == source.read_bytes()
    assert len(fetched) <= parts - 3
    assert not part_of(final).exists()
    process.close()


def test_a_source_that_changes_gets_no_name(lab: Lab, tmp_path: Path) -> None:
    """Blocks of a file that is not what its digest says stay blocks."""
    source, digest = a_file(tmp_path / "source", 2 * BLOCK_BYTES)
    with source.open("r+b") as file:
        file.write(b"other")
    with pytest.raises(Exception, match="changed"):
        lab.site().put_blob(source, digest)
    assert lab.site().look(blob(digest)) is None


def test_a_large_result_file_is_put_together_again(lab: Lab, tmp_path: Path) -> None:
    """Above 64 MiB a file travels as numbered parts, which a create-only grant can make; the site shows one file."""
    size = RESULT_PART_BYTES + 3_000_000
    big, digest = a_file(tmp_path / "big.bin", size)
    task = new_id()
    names = TaskNames(task)
    worker = lab.attempt(task)
    assert worker.create_file(names.files(1) + "out/big.bin", big)
    assert not worker.create_file(names.files(1) + "out/big.bin", big)
    worker.create(names.files(1) + "small.txt", b"small")
    site = lab.site()
    assert sorted(site.list(names.parts(1))) == [f"{names.parts(1)}out/big.bin/{i}" for i in (0, 1)]
    assert site.folder(names.files(1)).joinpath("out/big.bin").stat().st_size == size  # also before the manifest

    refs = (
        FileRef(path="out/big.bin", size=size, sha256=digest),
        FileRef(path="small.txt", size=5, sha256=hashlib.sha256(b"small").hexdigest()),
        FileRef(path="damaged.txt", size=5, sha256=hashlib.sha256(b"other").hexdigest()),
    )
    worker.create(names.files(1) + "damaged.txt", b"12345")
    worker.create(names.manifest(1), Manifest(notebook="small.txt", files=refs).to_bytes())
    fresh = Lab(lab.account, tmp_path / "fresh")
    fresh.prefix = lab.prefix
    folder = fresh.site().folder(names.files(1))
    assert hashlib.sha256((folder / "out/big.bin").read_bytes()).hexdigest() == digest
    assert (folder / "small.txt").read_bytes() == b"small"
    assert not (folder / "damaged.txt").exists()  # what is damaged is missing, and told so by whoever looks
    fresh.close()


# --- the cache


def blobs(lab: Lab, sizes: list[int]) -> list[tuple[str, int]]:
    stored = []
    for i, size in enumerate(sizes):
        data = random.Random(i).randbytes(size)
        digest = hashlib.sha256(data).hexdigest()
        lab.site().put_blob(data, digest)
        stored.append((digest, size))
    return stored


def test_the_cache_keeps_its_limit_and_what_is_used(lab: Lab, tmp_path: Path) -> None:
    """The least recently used goes first, never what an attempt holds; given back, it may go, too."""
    stored = blobs(lab, [400_000] * 5)
    cache = Cache(tmp_path / "worker", limit_bytes=1_000_000)
    process = lab.process(cache)
    tasks = [new_id() for _ in stored]
    links = [lab.link(task, inputs=[digest]) for task, (digest, _) in zip(tasks, stored, strict=True)]
    attempts = [process.open(task, 1, link) for task, link in zip(tasks, links, strict=True)]
    paths = [attempt.blob(*one) for attempt, one in zip(attempts, stored, strict=True)]
    assert all(path.exists() for path in paths)  # more than the limit, but in use
    for i in (1, 0):  # 0 is used last of the two
        os.utime(paths[i].with_name(paths[i].name + ".use"), (2 - i, 2 - i))
    attempts[0].close()
    attempts[1].close()
    cache.clean()
    assert [path.exists() for path in paths] == [False, False, True, True, True]
    for attempt in attempts:
        attempt.close()
    cache.clean()
    assert sum(path.exists() for path in paths) == 2
    process.close()


_HOLD = """
import sys
from pathlib import Path
from codalab_nb.stores.azure_attempt import AzureAttempts
from codalab_nb.stores.azure_cache import Cache
task, link, cache, digest, size = sys.argv[1:]
attempt = AzureAttempts(Cache(Path(cache))).open(task, 1, link)
print(attempt.blob(digest, int(size)), flush=True)
sys.stdin.read()
"""


def test_a_lease_ends_with_its_process(lab: Lab, tmp_path: Path) -> None:
    """What another process mounts is not removed under it; killed with -9, it holds nothing any more."""
    (digest, size), = blobs(lab, [300_000])  # fmt: skip
    task = new_id()
    arguments = [task, lab.link(task, inputs=[digest]), str(tmp_path / "worker"), digest, str(size)]
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    path = Path(holder.stdout.readline().strip())
    cache = Cache(tmp_path / "worker", limit_bytes=0)
    assert cache.clean() == 0
    assert path.exists()
    holder.kill()
    holder.wait()
    holder.stdout.close()
    holder.stdin.close()
    assert cache.clean() > 0
    assert not path.exists()


def test_a_flipped_bit_is_fetched_again(lab: Lab, tmp_path: Path) -> None:
    """I23: the caller sees a wrong digest, asks once more, and gets the right bytes."""
    (digest, size), = blobs(lab, [100_000])  # fmt: skip
    task = new_id()
    link = lab.link(task, inputs=[digest])
    first = lab.workers.open(task, 1, link)
    path = first.blob(digest, size)
    first.close()
    good = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(bytes([good[0] ^ 1]) + good[1:])
    attempt = lab.workers.open(task, 1, link)
    assert attempt.blob(digest, size).read_bytes() != good
    assert attempt.blob(digest, size).read_bytes() == good
    path.chmod(0o600)
    os.truncate(path, 10)  # cut short is noticed at once
    assert attempt.blob(digest, size).read_bytes() == good
    attempt.close()


def test_two_workers_share_a_cache(lab: Lab, tmp_path: Path) -> None:
    """I24: eight that want the same file at once fetch it once, and each gets it whole."""
    source, digest = a_file(tmp_path / "source", 2 * PART_BYTES)
    size = source.stat().st_size
    lab.site().put_blob(source, digest)
    fetched: list[int] = []
    processes = [
        lab.process(Cache(tmp_path / "shared"), progress=lambda _name, done, _total: fetched.append(done))
        for _ in range(8)
    ]

    def want(process_number: int) -> str:
        task = new_id()
        attempt = processes[process_number].open(task, 1, lab.link(task, inputs=[digest]))
        return hashlib.sha256(attempt.blob(digest, size).read_bytes()).hexdigest()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(want, range(8))) == {digest}
    assert len(fetched) == 2
    for process in processes:
        process.close()


def test_an_input_that_is_not_there_or_not_whole(lab: Lab) -> None:
    """B23: missing and cut short are the same to a task, and are not kept."""
    (digest, size), = blobs(lab, [1000])  # fmt: skip
    worker = lab.attempt(inputs=[digest, "0" * 64])
    with pytest.raises(NotFound):
        worker.blob("0" * 64, 5)
    with pytest.raises(NotFound):
        worker.blob(digest, size + 5)
    assert len(worker.blob(digest, size).read_bytes()) == size
