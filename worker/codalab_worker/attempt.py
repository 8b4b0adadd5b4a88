"""One attempt, from the claimed message to the outcome. The worker's half of the story on one page.

Everything the task itself does wrong ends in a committed `failed`. Everything the machine does wrong
(no sandbox, no disk, the sandbox vanished) raises `Released`: no verdict, the reconciler decides what is next.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from codalab_nb import failpoints
from codalab_nb.errors import CodalabError, InputError, UnavailableError
from codalab_nb.model.bundle import MOST_METRICS
from codalab_nb.model.event import EventType
from codalab_nb.model.names import TaskNames
from codalab_nb.model.notebook import read_notebook
from codalab_nb.model.outputs import fold_outputs
from codalab_nb.model.task import INTERRUPTED, Limits, Priority, Reason, TaskDocument, Verdict
from codalab_nb.stores.ports import AttemptStore, NotFound
from codalab_worker import kernelspecs, staging
from codalab_worker.events import FROM_RUNNER, EventLog
from codalab_worker.publishing import Found, OutputLimit, collect
from codalab_worker.warm import Box, Warmth

log = logging.getLogger(__name__)

# The runner ends a run at the limit by itself and hands over what it has; after this it is not asked any more.
_HARD_TIMEOUT_GRACE_S = 1.5
_WATCHDOG_S = 0.1
_MOST_CELLS = 1_000_000

_OVERSTEPS = {
    "oom": ("The notebook used more memory than its limit of {memory:,.0f} MB.", "Give it more: `--memory 8G`."),
    "disk_limit": ("The notebook wrote more than the disk limit of {files:,.0f} MB.", "Write less, or raise `files`."),
    "pids_limit": ("The notebook started more than {processes} processes.", "Start fewer, or raise `processes`."),
}


class Released(Exception):
    """This worker cannot bring the attempt to an end; `reason` is one word for programs, the text is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Decided(Exception):
    """Somebody else committed a verdict meanwhile (cancelled, expired, …): stop, nothing of this attempt counts."""


@dataclass
class Outcome:
    """How the run ended, not yet committed."""

    verdict: Verdict
    reason: Reason | None = None
    notebook: dict[str, Any] | None = None
    found: list[Found] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    truncated: bool = False
    stopped_at: int | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


def failed(code: str, message: str, fix: str = "", cell: int | None = None) -> Outcome:
    return Outcome(Verdict.FAILED, Reason(code=code, message=message, fix=fix, cell=cell))


class Heartbeat:
    """Says "alive" and looks for a verdict, at every beat, whatever the attempt is busy with (staging, publishing)."""

    def __init__(self, store: AttemptStore, task: str, events: EventLog, period_s: float) -> None:
        self._store = store
        self._result = TaskNames(task).result
        self._events = events
        self._period_s = period_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{task[-6:]}", daemon=True)
        self.decided = threading.Event()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(self._period_s):
            try:
                self._store.read(self._result)
                self.decided.set()
                return
            except NotFound:
                pass
            except CodalabError as error:  # a store that fails now may answer at the next beat
                log.warning("heartbeat: %s", error)
                continue
            try:
                self._events.write(EventType.HEARTBEAT)
            except NotFound:  # the task was removed
                self.decided.set()
                return
            except CodalabError as error:
                log.warning("heartbeat: %s", error)


class Attempt:
    """Runs attempt `n` of `task`; `run` returns its outcome, `close` leaves nothing behind."""

    def __init__(
        self,
        task: str,
        n: int,
        store: AttemptStore,
        warmth: Warmth,
        verified: staging.Verified,
        *,
        heartbeat_s: float,
        submitter: str,
        stopping: threading.Event,
        most_memory: int | None = None,
    ) -> None:
        """`most_memory`: bytes that the run may have here, however much its task allows; None: what that allows."""
        self.task = task
        self.n = n
        self.document: TaskDocument | None = None
        self._store = store
        self._warmth = warmth
        self._verified = verified
        self._heartbeat_s = heartbeat_s
        self._submitter = submitter
        self._stopping = stopping
        self._most_memory = most_memory
        self._box: Box | None = None
        self._heartbeat: Heartbeat | None = None
        self._notebook: dict[str, Any] | None = None
        self.events: EventLog | None = None

    def begin(self, worker: str) -> None:
        """From here on the attempt gives signs of life, until `close`."""
        self.events = EventLog(self._store, self.task, self.n)
        self.events.begin({"worker": worker, "sandbox": self._warmth.sandbox})
        self._heartbeat = Heartbeat(self._store, self.task, self.events, self._heartbeat_s)
        self._heartbeat.start()

    def run(self) -> Outcome:
        """Raises Released or Decided instead of returning when there is nothing to commit."""
        assert self.events is not None
        started = time.monotonic()
        try:
            outcome = self._run()
        except staging.StagingFault as fault:
            outcome = failed(fault.code, str(fault), "Submit the task again.")
        except InputError as error:
            outcome = failed(error.code, error.message, error.fix)
        except NotFound as error:
            raise Decided from error  # the task was removed: nobody wants its result
        except UnavailableError as error:
            raise Released(error.code, str(error)) from error
        failpoints.hit("worker.after_run")
        outcome.seconds = round(time.monotonic() - started, 3)
        outcome.truncated |= self.events.truncated
        if outcome.notebook is None:
            outcome.notebook = self._rebuilt_notebook()
        return outcome

    def check_wanted(self) -> None:
        """Raises Decided once somebody else committed a verdict."""
        if self._heartbeat is not None and self._heartbeat.decided.is_set():
            raise Decided

    def close(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.stop()
        if self.events is not None:
            self.events.close()
        if self._box is not None:
            self._box.remove()

    # --- the steps

    def _run(self) -> Outcome:
        document = self._read_document()
        data = staging.locate(self._store, document.notebook, self._verified).read_bytes()
        checked = read_notebook(data, name=document.notebook.path)
        self._notebook = checked.notebook
        argv = kernelspecs.find(document.kernel, document.interpreter)
        placed = staging.locate_all(self._store, document.inputs, self._verified)
        binds = kernelspecs.folders(argv)
        self._box = self._warmth.take(
            document.interpreter,
            network=document.network,
            binds=binds,
            leave_ready=document.priority is Priority.BACKGROUND,
        )
        self._box.place(placed)
        self._box.start(self._job(document, checked.notebook, argv))
        failpoints.hit("worker.running")
        outcome = self._follow(self._box, document)
        self._box.kill()
        outcome.environment = {**self._warmth.environment(document.interpreter), "sandbox": self._warmth.sandbox}
        self._collect(self._box, document, outcome)
        return outcome

    def _read_document(self) -> TaskDocument:
        assert self.events is not None
        try:
            document = TaskDocument.model_validate_json(self._store.read(TaskNames(self.task).document))
        except ValidationError as error:
            raise InputError("bad_task", f"The task document cannot be read: {error.errors()[0]['msg']}.") from error
        if document.task != self.task:
            raise InputError("bad_task", "The task document names another task.")
        if self._warmth.sandbox == "none" and document.submitter != self._submitter:
            raise InputError(
                "sandbox_none",
                f"Without a sandbox this worker runs only tasks of {self._submitter}, not of {document.submitter}.",
                "Install bubblewrap on the worker.",
            )
        if not document.interpreter:  # from a site whose Python is not here: ours
            document = document.model_copy(update={"interpreter": sys.executable})
        if self._most_memory is not None and self._most_memory < document.limits.memory_bytes:
            limits = document.limits.model_copy(update={"memory_bytes": self._most_memory})
            document = document.model_copy(update={"limits": limits})
        self.document = document
        self.events.set_limit(document.limits.events_bytes)
        return document

    def _job(self, document: TaskDocument, notebook: dict[str, Any], argv: list[str] | None) -> dict[str, Any]:
        limits = document.limits
        return {
            "notebook": notebook,
            "parameters": document.parameters,
            "kernel": document.kernel,
            "kernel_argv": argv,
            "timeout_s": limits.timeout_s,
            "env": document.environment,
            "background": document.priority is Priority.BACKGROUND,
            "limits": {
                "processes": limits.processes,
                "file_bytes": limits.files_bytes,
                "memory_bytes": limits.memory_bytes,
            },
            "output": {
                "text_bytes": limits.output_text_bytes,
                "outputs": limits.outputs,
                "notebook_bytes": limits.notebook_bytes,
            },
        }

    def _follow(self, box: Box, document: TaskDocument) -> Outcome:
        """Relays what the runner says until it ends, oversteps a limit, or somebody decides the task."""
        assert self.events is not None
        metrics: dict[str, float] = {}
        hard_end = time.monotonic() + document.limits.timeout_s + _HARD_TIMEOUT_GRACE_S
        while True:
            self.check_wanted()
            if self._stopping.is_set():
                raise Released(INTERRUPTED, "The worker was stopped.")
            try:
                lines = [parsed for raw in box.read(_WATCHDOG_S) if (parsed := _parse(raw))]
            except EOFError:
                return self._runner_gone(box, metrics)
            relayed = [line for line in lines if line["type"] in FROM_RUNNER]
            for line in relayed:
                if line["type"] == "metric" and not _take_metric(metrics, line):
                    return _bad_report(line)
            self.events.relay(relayed)
            for line in lines:
                if line["type"] == "end":
                    return _outcome(line, metrics, document.limits)
                if line["type"] == "failed":  # our own code broke in there; another attempt may fare better
                    raise Released("runner_failed", str(line.get("message"))[:1000])
            if (limit := box.overstep()) is not None:
                return _overstepped(limit, document.limits, metrics)
            if time.monotonic() > hard_end:
                return _with_metrics(_timeout(document.limits), metrics)

    def _runner_gone(self, box: Box, metrics: dict[str, float]) -> Outcome:
        if not box.holder_alive():
            raise Released("sandbox_died", "The sandbox ended before its task did.")
        return _with_metrics(
            failed("kernel_died", "The process that runs the notebook was killed from inside the notebook."), metrics
        )

    def _collect(self, box: Box, document: TaskDocument, outcome: Outcome) -> None:
        try:
            inputs = {ref.path for ref in document.inputs}
            outcome.found, outcome.skipped = collect(box.folder, inputs, document.notebook.path, document.limits)
        except OutputLimit as error:
            outcome.verdict = Verdict.FAILED
            outcome.reason = Reason(
                code="output_limit", message=str(error), fix="Write less, or raise the setting `files`."
            )

    def _rebuilt_notebook(self) -> dict[str, Any] | None:
        if self._notebook is None or self.events is None:
            return None
        parameters = self.document.parameters if self.document else {}
        injected = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
        return fold_outputs(self._notebook, self.events.kept, injected=injected)


def _parse(raw: bytes) -> dict[str, Any] | None:
    """A line of the sandbox, or None when it is not one: what comes out of there may be anything."""
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(raw)
        if isinstance(value, dict) and isinstance(value.get("type"), str):
            return value
    return None


def _take_metric(metrics: dict[str, float], line: dict[str, Any]) -> bool:
    name, value = line.get("name"), line.get("value")
    if not isinstance(name, str) or not 0 < len(name) <= 64 or len(metrics) >= MOST_METRICS:
        return False
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        number = float(value)
    except OverflowError:
        return False
    if not math.isfinite(number):
        return False
    metrics[name] = number
    return True


def _bad_report(line: dict[str, Any]) -> Outcome:
    name, value = str(line.get("name"))[:64], str(line.get("value"))[:64]
    return failed(
        "bad_report",
        f"The notebook reported the metric {name!r} with the value {value!r}.",
        "A metric has a short name and a finite number.",
    )


def _outcome(end: dict[str, Any], metrics: dict[str, float], limits: Limits) -> Outcome:
    """From the runner's own report; fields that are not what they should be make a `bad_report`."""
    notebook = end.get("notebook")
    notebook = notebook if isinstance(notebook, dict) else None
    stopped_at = end.get("stopped_at")
    if end.get("ok") is True:
        outcome = Outcome(Verdict.SUCCEEDED)
    else:
        try:
            raw = end["reason"]
            code, message = str(raw["code"])[:64], str(raw["message"])[:25_000]
            outcome = (
                _timeout(limits, raw.get("cell")) if code == "timeout" else failed(code, message, cell=raw.get("cell"))
            )
        except (KeyError, TypeError, ValidationError, AttributeError):
            outcome = failed("bad_report", "The run ended without saying why.")
    outcome.notebook = notebook
    outcome.metrics = metrics
    outcome.truncated = bool(end.get("truncated"))
    outcome.stopped_at = stopped_at if type(stopped_at) is int and -1 <= stopped_at <= _MOST_CELLS else None
    return outcome


def _timeout(limits: Limits, cell: int | None = None) -> Outcome:
    message = f"The notebook ran longer than its limit of {limits.timeout_s:g} s."
    return failed("timeout", message, "Give it more time: `--timeout 2h`.", cell)


def _overstepped(limit: str, limits: Limits, metrics: dict[str, float]) -> Outcome:
    message, fix = _OVERSTEPS[limit]
    text = message.format(memory=limits.memory_bytes / 1e6, files=limits.files_bytes / 1e6, processes=limits.processes)
    return _with_metrics(failed(limit, text, fix), metrics)


def _with_metrics(outcome: Outcome, metrics: dict[str, float]) -> Outcome:
    outcome.metrics = metrics
    return outcome
