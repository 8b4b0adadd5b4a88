"""Outputs of a cell as pieces of HTML, each drawn once: what is added to a cell does not draw its pictures again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codalab_nb.frontends.cli.text import count
from codalab_nb.frontends.rendering import output_html

_FIRST = 10  # outputs of a cell that are kept in front of those left out
_TEXTS = ("text/plain", "text/html", "text/markdown", "text/latex", "image/svg+xml")


@dataclass(frozen=True)
class Extent:
    """How much is drawn: characters of one text, outputs of one cell, characters of HTML in all."""

    tail: int
    outputs: int
    html: int


LIVE = Extent(tail=100_000, outputs=60, html=30_000_000)
SAVED = Extent(tail=4_000, outputs=12, html=1_500_000)  # what a notebook file should carry


class Budget:
    """Characters of HTML that may still be drawn. What does not fit any more is named instead."""

    def __init__(self, extent: Extent) -> None:
        self.left = extent.html

    def take(self, html: str) -> str:
        if len(html) > self.left:
            return '<p class="note">An output is too large to be shown here; it is in the executed notebook.</p>'
        self.left -= len(html)
        return html


class Drawer:
    """Draws outputs, and remembers those that cannot change any more."""

    def __init__(self) -> None:
        # The output and its data are kept with the drawing: an id is only an id while its object lives.
        self._known: dict[tuple[int, int], tuple[Mapping[str, Any], object, str]] = {}

    def pieces(self, outputs: Sequence[Mapping[str, Any]], extent: Extent, budget: Budget) -> list[tuple[object, str]]:
        """(key, HTML) in order; the key of an output stays the same while the output is there."""
        kept = list(outputs)
        left_out = len(kept) - extent.outputs
        if left_out > 0:
            kept = [*kept[:_FIRST], *kept[left_out + _FIRST :]]
        drawn: list[tuple[object, str]] = [(id(output), budget.take(self._draw(output, extent))) for output in kept]
        if left_out > 0:
            told = f"{count(left_out, 'output')} left out here; all are in the executed notebook."
            drawn.insert(_FIRST, ("left out", f'<p class="note">… {told}</p>'))
        return [(key, html) for key, html in drawn if html]

    def _draw(self, output: Mapping[str, Any], extent: Extent) -> str:
        if output.get("output_type") == "stream":  # grows
            html = output_html(shortened(output, extent.tail), frames=True)
            return f'<div class="codalab-stream">{html}</div>' if html else ""
        key, data = (id(output), extent.tail), output.get("data")
        known = self._known.get(key)
        if known is not None and known[0] is output and known[1] is data:
            return known[2]
        html = output_html(shortened(output, extent.tail), frames=True)
        self._known[key] = (output, data, html)
        return html


def shortened(output: Mapping[str, Any], tail: int) -> Mapping[str, Any]:
    """The output with the end of its text only."""
    if output.get("output_type") == "stream":
        pieces = output.get("text", ())
        pieces = [pieces] if isinstance(pieces, str) else pieces
        kept: list[str] = []
        room = tail
        for piece in reversed(pieces):
            if room <= 0:
                break
            kept.append(piece[-room:])
            room -= len(piece)
        cut = sum(map(len, pieces)) - sum(map(len, kept)) if room <= 0 else 0
        told = f"[… {cut:,} characters before this are not shown here]\n" if cut > 0 else ""
        return {**output, "text": told + "".join(reversed(kept))}
    if output.get("output_type") == "error":
        trace = output.get("traceback")
        lines = [str(line) for line in trace] if isinstance(trace, list) else []
        words = "\n".join(lines)
        return {
            **output,
            "traceback": [words if len(words) <= tail else f"{words[: tail // 2]}\n[…]\n{words[-tail // 2 :]}"],
        }
    data = output.get("data")
    if not isinstance(data, Mapping):
        return output
    cut_short = {kind: _cut(kind, data[kind], tail) for kind in _TEXTS if kind in data}
    if "application/json" in data and len(json.dumps(data["application/json"], default=str)) > tail:
        return {**output, "data": {"text/plain": "[JSON, too long to be shown here]"}}
    return {**output, "data": {**data, **cut_short}} if cut_short else output


def _cut(kind: str, value: object, tail: int) -> str:
    words = "".join(map(str, value)) if isinstance(value, list) else str(value)
    mark = "" if kind == "text/html" else f"\n[… {len(words) - tail:,} more characters]"
    return words if len(words) <= tail else words[:tail] + mark
