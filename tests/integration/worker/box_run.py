"""Runs cells in a box as the supervisor would, and keeps everything that came out."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil

from codalab_worker.warm import Box


@dataclass
class Run:
    """What came out of one box. `limit`: what the watchdog said; `gone`: the runner ended without an `end` line."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    end: dict[str, Any] | None = None
    limit: str | None = None
    gone: bool = False
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return bool(self.end and self.end["ok"])

    @property
    def reason(self) -> dict[str, Any]:
        assert self.end is not None, f"no end line: limit {self.limit}, gone {self.gone}, lines {self.lines[-3:]}"
        return self.end["reason"] or {}

    @property
    def code(self) -> str | None:
        """The reason code, or what stopped the run from outside."""
        if self.limit:
            return self.limit
        return "gone" if self.gone else self.reason.get("code")

    def cells(self) -> list[dict[str, Any]]:
        assert self.end is not None
        return list(self.end["notebook"]["cells"])

    def text(self, cell: int = 0) -> str:
        """The printed text of one cell of the executed notebook."""
        outputs = self.cells()[cell]["outputs"]
        return "".join(output["text"] for output in outputs if output["output_type"] == "stream")

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["type"] == kind]


def notebook(*cells: str | dict[str, Any], **metadata: Any) -> dict[str, Any]:
    made = []
    for number, cell in enumerate(cells):
        base = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "id": f"c{number}"}
        made.append({**base, **(cell if isinstance(cell, dict) else {"source": cell})})
    return {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def tagged(source: str, *tags: str) -> dict[str, Any]:
    return {"source": source, "metadata": {"tags": list(tags)}}


def job(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    base = {"parameters": {}, "kernel": "python3", "kernel_argv": None, "timeout_s": 30.0, "env": {}, "limits": {}}
    return {"notebook": document, **base, "output": {}, **changes}


def start(box: Box, *cells: str | dict[str, Any], **changes: Any) -> None:
    box.start(job(notebook(*cells), **changes))


def follow(box: Box, seconds: float = 40, until: str | None = None) -> Run:
    """Reads to the end with the watchdog's eye on the box, or until a line of type `until` came."""
    run = Run()
    began = time.monotonic()
    while run.end is None and run.limit is None and not run.gone:
        assert time.monotonic() - began < seconds, f"still running after {seconds} s: {run.lines[-3:]}"
        try:
            for raw in box.read(0.1):
                line = json.loads(raw)
                run.lines.append(line)
                if line["type"] == "end":
                    run.end = line
        except EOFError:
            run.gone = run.end is None
        if until and run.of(until):
            break
        if run.end is None and not run.gone:
            run.limit = box.overstep()
    run.seconds = time.monotonic() - began
    return run


def execute(box: Box, *cells: str | dict[str, Any], **changes: Any) -> Run:
    """Start, follow, kill; the folder stays until the box is removed."""
    start(box, *cells, **changes)
    run = follow(box)
    box.kill()
    return run


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    """No process that was not there before is alive afterwards (zombies of others do not count)."""
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    yield
    after = [process for process in psutil.Process().children(recursive=True) if process.pid not in before]
    _, alive = psutil.wait_procs(after, timeout=10)
    assert not alive, alive
