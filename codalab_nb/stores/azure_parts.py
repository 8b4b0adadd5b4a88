"""Result files above one put's size, as numbered parts: a grant may create a blob in one request and no other way.

The parts of `attempts/n/files/PATH` are `attempts/n/parts/PATH/0`, `/1`, …; all but the last have PART_BYTES. Nothing
else has to be written down: size and digest of the whole stand in the manifest, and parts that lack or lie do not
make a file of that digest.
"""

from __future__ import annotations

from collections.abc import Iterator

from codalab_nb.model.names import TaskNames
from codalab_nb.stores.azure_edge import MOST_PUT_BYTES

PART_BYTES = MOST_PUT_BYTES


def part_name(of: TaskNames, n: int, path: str, index: int) -> str:
    return f"{of.parts(n)}{path}/{index}"


def parts_of(offset: int, length: int) -> Iterator[tuple[int, int, int]]:
    """(index, offset in that part, bytes) of the parts that hold `length` bytes from `offset` on."""
    end = offset + length
    while offset < end:
        index, start = divmod(offset, PART_BYTES)
        count = min(PART_BYTES - start, end - offset)
        yield index, start, count
        offset += count
