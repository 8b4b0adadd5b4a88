"""Lines out of a box that nobody trusts."""

from __future__ import annotations

import random

from codalab_worker.boxes import Lines

_MIB = 1 << 20


def test_any_cutting_gives_the_same_lines() -> None:
    """Where the socket cuts the bytes does not matter."""
    wanted = [b"a" * length for length in (1, 5, 100, 3)] + [b'{"type":"end"}']
    data = b"\n".join(wanted) + b"\n\n\n"
    for seed in range(50):
        dice = random.Random(seed)
        lines, got, rest = Lines(), [], data
        while rest:
            size = dice.randint(1, 40)
            got += lines.feed(rest[:size])
            rest = rest[size:]
        assert got == wanted


def test_long_lines_are_dropped_and_counted() -> None:
    """Above 2 MB a line is gone, in one piece or in many; the next one is intact. Memory stays bounded."""
    lines = Lines()
    assert lines.feed(b"x" * (3 * _MIB) + b"\nnext\n") == [b"next"]
    for _ in range(40):
        assert lines.feed(b"y" * _MIB) == []
        assert len(lines._buffer) <= 3 * _MIB
    assert lines.feed(b"\nlast\n") == [b"last"]
    assert lines.dropped == 2


def test_the_end_line_may_be_long() -> None:
    """The executed notebook travels in it: up to 64 MB."""
    lines = Lines()
    end = b'{"type":"end","notebook":"' + b"n" * (50 * _MIB) + b'"}'
    got = []
    for start in range(0, len(end), _MIB):
        got += lines.feed(end[start : start + _MIB])
    assert (got + lines.feed(b"\n"), lines.dropped) == ([end], 0)
    assert lines.feed(b'{"type":"end"' + b" " * (65 * _MIB)) == []
    assert lines.dropped == 1
