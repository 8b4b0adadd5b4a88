"""A real kernel, driven as a front end drives it: with a person in front of it (input allowed), or without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

_LIMIT_S = 90.0


@dataclass
class Cell:
    """What one executed cell said."""

    ok: bool = True
    text: str = ""  # standard output and error
    displays: list[dict[str, Any]] = field(default_factory=list)  # MIME bundles, in order, updates in place
    updates: int = 0
    error: dict[str, Any] | None = None

    @property
    def traceback(self) -> str:
        return "\n".join(self.error["traceback"]) if self.error else ""

    def shown(self, mime: str) -> list[Any]:
        return [data[mime] for data in self.displays if mime in data]


class Kernel:
    def __init__(self, client: BlockingKernelClient, interactive: bool) -> None:
        self.client, self.interactive = client, interactive
        self._places: dict[str, dict[str, Any]] = {}

    def run(self, source: str) -> Cell:
        """Executes a cell to its end. What a thread displays later is not waited for."""
        cell = Cell()
        reply = self.client.execute_interactive(
            source,
            output_hook=lambda message: self._take(cell, message["msg_type"], message["content"]),
            allow_stdin=self.interactive,
            stdin_hook=lambda _: self.client.input(""),
            timeout=_LIMIT_S,
        )
        cell.ok = reply["content"]["status"] == "ok"
        return cell

    def complete(self, code: str) -> list[str]:
        """What Tab offers at the end of `code`, whole words."""
        reply = self.client.complete(code, reply=True, timeout=_LIMIT_S)["content"]
        return [code[reply["cursor_start"] : 0] + match for match in reply["matches"]]

    def _take(self, cell: Cell, kind: str, content: dict[str, Any]) -> None:
        if kind == "stream":
            cell.text += content["text"]
        elif kind in ("display_data", "execute_result"):
            cell.displays.append(content["data"])
            if display_id := content.get("transient", {}).get("display_id"):
                self._places[display_id] = content["data"]
        elif kind == "update_display_data":
            cell.updates += 1
            place = self._places[content["transient"]["display_id"]]
            place.clear()
            place.update(content["data"])
        elif kind == "error":
            cell.error = content


@contextmanager
def kernel(folder: Path, environment: dict[str, str], *, interactive: bool) -> Iterator[Kernel]:
    """A Python kernel working in `folder`."""
    manager = KernelManager(kernel_name="python3", transport="ipc", ip=str(folder / "k"))
    manager.start_kernel(cwd=str(folder), env=environment)
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=_LIMIT_S)
        yield Kernel(client, interactive)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
