"""A blob on its way up: checked against the digest that names it, in one put when it is small, in blocks when not.

Blocks are staged first and made a blob in one step, so that there is never half a blob. A block's id holds its place
and its own digest: after a kill the service is asked which are there, and only the others are sent.
"""

from __future__ import annotations

import base64
import concurrent.futures
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

from azure.core import MatchConditions
from azure.storage.blob import BlobBlock, BlobClient

from codalab_nb import failpoints
from codalab_nb.errors import InputError
from codalab_nb.stores.azure_edge import Edge, Refused
from codalab_nb.stores.azure_fetch import Progress
from codalab_nb.stores.ports import NotFound

BLOCK_BYTES = 8 << 20
_AT_A_TIME = 4


def upload(edge: Edge, blob: BlobClient, name: str, source: Path | bytes, sha256: str, progress: Progress) -> None:
    """Makes the blob. Raises InputError(changed_while_reading), Refused (409: it is there), NotFound (no container)."""
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    chunks = _chunks(source)
    if size <= BLOCK_BYTES:
        data = b"".join(chunks)
        _check(hashlib.sha256(data).hexdigest(), sha256, source)
        failpoints.hit("submit.blob.mid")
        edge.call(
            name,
            lambda: blob.upload_blob(data, length=len(data), overwrite=False, validate_content=True),
            writes=True,
        )
        progress(name, len(data), len(data))
        return
    blocks = _Stage(edge, blob, name, size, progress).all(chunks, sha256, source)
    edge.call(
        name,
        lambda: blob.commit_block_list(blocks, match_condition=MatchConditions.IfMissing),
        writes=True,
    )


class _Stage:
    """Sends the blocks of one blob, some at a time; memory holds no more than those."""

    def __init__(self, edge: Edge, blob: BlobClient, name: str, size: int, progress: Progress) -> None:
        self._edge = edge
        self._blob = blob
        self._name = name
        self._size = size
        self._progress = progress
        self._done = 0
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(2 * _AT_A_TIME)
        self._there = self._staged()

    def _staged(self) -> set[tuple[str, int]]:
        """(id, size) of blocks that an earlier try has sent and nobody has made a blob of."""
        try:
            _, waiting = self._edge.call(self._name, lambda: self._blob.get_block_list("uncommitted"))
        except NotFound:
            return set()
        return {(_plain_id(block.id or ""), block.size or 0) for block in waiting}

    def all(self, chunks: Iterator[bytes], sha256: str, source: Path | bytes) -> list[BlobBlock]:
        digest = hashlib.sha256()
        blocks: list[BlobBlock] = []
        with concurrent.futures.ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="upload") as pool:
            sending: list[concurrent.futures.Future[None]] = []
            for index, chunk in enumerate(chunks):
                digest.update(chunk)
                identifier = f"{index:06d}-{hashlib.sha256(chunk).hexdigest()[:24]}"
                blocks.append(BlobBlock(identifier))
                if (identifier, len(chunk)) in self._there:
                    self._count(len(chunk))
                else:
                    self._room.acquire()
                    sending.append(pool.submit(self._send, identifier, chunk))
                failpoints.hit("submit.blob.mid")
                if any(future.done() and future.exception() for future in sending):
                    break
            for future in sending:
                future.result()
        _check(digest.hexdigest(), sha256, source)
        return blocks

    def _send(self, identifier: str, chunk: bytes) -> None:
        try:
            self._edge.call(
                self._name,
                lambda: self._blob.stage_block(identifier, chunk, length=len(chunk), validate_content=True),
                writes=True,
            )
            self._count(len(chunk))
        finally:
            self._room.release()

    def _count(self, more: int) -> None:
        with self._lock:
            self._done += more
            self._progress(self._name, self._done, self._size)


def _plain_id(identifier: str) -> str:
    """As given to the SDK, which sends ids in base64 and reads them back decoded or not, by its version."""
    try:
        return base64.b64decode(identifier, validate=True).decode("ascii")
    except (ValueError, UnicodeDecodeError):
        return identifier


def _chunks(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        for start in range(0, len(source), BLOCK_BYTES):
            yield source[start : start + BLOCK_BYTES]
        return
    with source.open("rb") as reader:
        while chunk := reader.read(BLOCK_BYTES):
            yield chunk


def _check(found: str, wanted: str, source: Path | bytes) -> None:
    if found != wanted:
        what = "Its content" if isinstance(source, bytes) else f"{source!s:.200}"
        raise InputError("changed_while_reading", f"{what} changed while it was being packed.", "Submit again.")


__all__ = ["BLOCK_BYTES", "Refused", "upload"]
