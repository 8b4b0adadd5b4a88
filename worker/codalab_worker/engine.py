"""Our papermill engine: one blocking loop per cell over a kernel that is already warm.

papermill injects the parameters and keeps its usual metadata; nothing is saved while it runs (papermill rewrites
the whole notebook after every cell), everything is emitted as it happens.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from papermill.engines import Engine, papermill_engines

from codalab_worker import reports
from codalab_worker.kernel_link import KernelDied, KernelLink, Message
from codalab_worker.outputs import Caps, CellOutputs, Output, encode

NAME = "codalab"
INJECTED = -1  # the cell index of the parameters that papermill injected
_SILENCE_S = 3.0  # after the reply, without any output message: "idle" is not going to come
_BURST = 200  # messages handled before the clock is looked at again
_REASON_BYTES = 20_000
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")

Line = Callable[[bytes], None]  # sends one JSON line


class Stop(Exception):
    """The run ends here. `reason` is None for a clean stop (`raise SystemExit(0)`)."""

    def __init__(self, reason: dict[str, Any] | None) -> None:
        super().__init__(reason and reason["code"])
        self.reason = reason


@dataclass(frozen=True)
class _Reply:
    ok: bool
    asked_to_exit: bool
    ename: str
    evalue: str
    traceback: list[str]


def plain(text: str) -> str:
    """Without terminal escape sequences."""
    return _ANSI.sub("", text)


def shorten(text: str, limit: int = _REASON_BYTES) -> str:
    """At most about `limit` characters: beginning and end, where a traceback says most."""
    if len(text) <= limit:
        return text
    head = limit // 4
    return f"{text[:head]}\n… {len(text) - limit:,} characters left out …\n{text[-(limit - head) :]}"


class Run:
    """One notebook over one kernel: the cells in order, one budget of output, one deadline (time.monotonic)."""

    def __init__(self, link: KernelLink, line: Line, caps: Caps, deadline: float, used_bytes: int) -> None:
        self.link = link
        self.deadline = deadline
        self.stopped_at: int | None = None
        self.reason: dict[str, Any] | None = None
        self._line = line
        self._cell = INJECTED
        self._bad_report: str | None = None
        self.outputs = CellOutputs(caps, self._emit, used_bytes)

    def emit(self, kind: str, **values: Any) -> None:
        self._line(encode({"type": kind, **values}))

    def _emit(self, kind: str, output: bytes | None) -> None:
        head = encode({"type": kind, "cell": self._cell})
        # The output is JSON already; encoding it twice would double the cost of a large one.
        self._line(head if output is None else head[:-1] + b',"output":' + output + b"}")

    def cell(self, index: int, source: str, outputs: list[Output], *, may_fail: bool) -> int | None:
        """Runs one code cell; returns its execution count. Raises Stop when the run ends with it."""
        self._cell = index
        self.outputs.begin(outputs)
        started = time.monotonic()
        self.emit("cell_started", cell=index)
        ok = False
        self.count: int | None = None
        try:
            reply = self._execute(source)
            ok = reply.ok or may_fail
            self._judge(index, reply, may_fail, outputs)
        except KernelDied as death:
            reason = {"code": "kernel_died", "message": f"The kernel died: {death}.", "cell": index}
            raise Stop(reason) from death
        except TimeoutError as error:
            self.link.kill()
            message = "The time limit was reached while this cell was running."
            raise Stop({"code": "timeout", "message": message, "cell": index}) from error
        except Stop as stop:
            ok = stop.reason is None
            raise
        finally:
            self.outputs.finish()
            self.emit("cell_finished", cell=index, ok=ok, seconds=round(time.monotonic() - started, 6))
        return self.count

    def _judge(self, index: int, reply: _Reply, may_fail: bool, outputs: list[Output]) -> None:
        if self._bad_report:
            raise Stop({"code": "bad_report", "message": self._bad_report, "cell": index})
        clean_exit = reply.ename == "SystemExit" and reply.evalue in ("", "0", "None")
        if reply.asked_to_exit or clean_exit:
            self.stopped_at = index
            raise Stop(None)
        if reply.ok:
            return
        if not any(output["output_type"] == "error" for output in outputs):
            error = {"output_type": "error", "ename": reply.ename, "evalue": reply.evalue, "traceback": reply.traceback}
            self.outputs.add(error)
        if may_fail:
            return
        title = f"{reply.ename}: {reply.evalue}"
        traceback = plain("\n".join(reply.traceback))
        raise Stop(
            {
                "code": "cell_error",
                "message": shorten(f"{title}\n{traceback}".strip()),
                "cell": index,
                "ename": shorten(reply.ename, 200),
                "evalue": shorten(reply.evalue, 2000),
            }
        )

    def _execute(self, source: str) -> _Reply:
        """Until the reply and the "idle" after it. Raises KernelDied, TimeoutError."""
        request = self.link.execute(source)
        reply: Message | None = None
        idle = False
        heard = time.monotonic()
        while not (reply and idle):
            now = time.monotonic()
            if now >= self.deadline:
                raise TimeoutError
            if reply and now - heard > _SILENCE_S:
                break
            happened = self.link.wait(min(0.5, self.deadline - now))
            if happened.output:
                heard = time.monotonic()
                idle = self._take_outputs(request) or idle
            while happened.reply and (message := self.link.next_reply()):
                if message.parent == request:
                    reply, heard = message, time.monotonic()
            if happened.died and not happened.output:  # what it said before its death is kept
                raise KernelDied(happened.died)
        assert reply is not None, "the loop ends with a reply only"
        content = reply.content
        payload = content.get("payload")
        exits = any(isinstance(part, dict) and part.get("source") == "ask_exit" for part in payload or [])
        traceback = content.get("traceback") or []
        return _Reply(
            ok=content.get("status") == "ok",
            asked_to_exit=exits,
            ename=str(content.get("ename", "Aborted")),
            evalue=str(content.get("evalue", "")),
            traceback=[str(part) for part in traceback] if isinstance(traceback, list) else [],
        )

    def _take_outputs(self, request: str) -> bool:
        """Handles a burst of output messages; True when the kernel said it is idle again after `request`."""
        for _ in range(_BURST):
            message = self.link.next_output()
            if message is None:
                return False
            # Only the parent tells ours from late messages; a thread of an earlier cell may still print: keep it here.
            if message.kind == "status":
                if message.parent == request and message.content.get("execution_state") == "idle":
                    return True
            else:
                self._take(message)
        return False

    def _take(self, message: Message) -> None:
        if message.kind == "stream" and len(message.body) > 512:
            # Cheap look before the costly decoding: a flood is counted, not read.
            name = "stderr" if b'"stderr"' in message.body[:64] or b'"stderr"' in message.body[-64:] else "stdout"
            if not self.outputs.wants_stream(name):
                self.outputs.skip(len(message.body))
                return
        content = message.content
        kind = message.kind
        if kind == "execute_input":
            count = content.get("execution_count")
            self.count = count if isinstance(count, int) else None
        elif kind == "stream":
            self.outputs.add({"output_type": "stream", "name": content.get("name"), "text": content.get("text")})
        elif kind in ("display_data", "execute_result"):
            self._take_display(kind, content)
        elif kind == "update_display_data":
            self.outputs.update_display(_display_id(content) or "", content.get("data"), content.get("metadata") or {})
        elif kind == "clear_output":
            self.outputs.clear(bool(content.get("wait")))
        elif kind == "error":
            parts = {key: content.get(key) for key in ("ename", "evalue", "traceback")}
            self.outputs.add({"output_type": "error", **parts})

    def _take_display(self, kind: str, content: dict[str, Any]) -> None:
        data = content.get("data")
        if isinstance(data, dict) and reports.MIME in data and not reports.is_display(data[reports.MIME]):
            try:
                name, value = reports.read_metric(data[reports.MIME])
            except reports.BadReport as error:
                self._bad_report = self._bad_report or str(error)
            else:
                self.emit("metric", name=name, value=value)
            return
        output: Output = {"output_type": kind, "data": data, "metadata": content.get("metadata") or {}}
        if kind == "execute_result":
            output["execution_count"] = content.get("execution_count")
        self.outputs.add(output, _display_id(content))


def _display_id(content: dict[str, Any]) -> str | None:
    transient = content.get("transient")
    identifier = transient.get("display_id") if isinstance(transient, dict) else None
    return identifier if isinstance(identifier, str) else None


class BoxEngine(Engine):  # type: ignore[misc]
    """What papermill calls. The notebook's cells carry their submitted index in `INDEX_KEY`."""

    INDEX_KEY = "codalab_submitted_index"

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, *, run: Run, **_: Any) -> None:  # noqa: ARG003
        cells = [(cell.metadata.pop(cls.INDEX_KEY, INJECTED), cell) for cell in nb_man.nb.cells]
        for position, (index, cell) in enumerate(cells):
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            nb_man.cell_start(cell, position)
            try:
                tags = cell.metadata.get("tags", [])
                cell.execution_count = run.cell(index, cell.source, cell.outputs, may_fail="raises-exception" in tags)
            except Stop as stop:
                cell.execution_count = run.count
                run.reason = stop.reason
                if stop.reason is not None:
                    nb_man.cell_exception(cell, position)
                return
            finally:
                nb_man.cell_complete(cell, position)


papermill_engines.register(NAME, BoxEngine)
