"""One task, followed live on stderr: its outputs, and a line that moves on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from codalab_nb.frontends.cli import sandbox
from codalab_nb.frontends.cli.exits import short
from codalab_nb.frontends.cli.grammar import PROG
from codalab_nb.frontends.cli.output import Output, StoppedWatching
from codalab_nb.frontends.cli.text import duration, one_line, shown, wrapped
from codalab_nb.frontends.cli.watching import Seen, Watch, is_traceback, place, printed
from codalab_nb.model.task import State
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table


def follow(site: Site, task: Task, out: Output) -> bool:
    """Returns when the task has its verdict: whether the traceback of its last attempt was shown.

    Ctrl-C says that the task goes on, then raises StoppedWatching.
    """
    watch = Watch(site, [task])
    setting = site.settings.sandbox
    view: View = LiveView(watch.seen[0], setting, out) if out.live and not out.json else PlainView(setting, out)
    trace_shown = False
    try:
        with view:
            for events in watch.steps():
                for seen, event in events:
                    view.take(seen, event)
                    trace_shown = event.get("type") != "started" and (trace_shown or is_traceback(event))
                view.update(watch.seen[0], watch.stuck)
    except KeyboardInterrupt:
        say_it_goes_on([task.id], out)
        raise StoppedWatching from None
    return trace_shown


def say_it_goes_on(tasks: list[str], out: Output, *, batch: str | None = None) -> None:
    name = short(batch or tasks[0])
    again = f"codalab-nb status {name}" if batch else f"codalab-nb logs -f {name}"
    out.say()
    out.say(f"Stopped watching; {'batch' if batch else 'task'} {name} goes on.")
    out.say(f"  follow it: {again}")
    out.say(f"  cancel it: codalab-nb cancel {name}")


def state_words(seen: Seen, stuck: str = "") -> str:
    """What a task does now: `queued, number 3 in line`, `running, cell 2 of 7`. Harmless, one line."""
    return one_line(_state_words(seen, stuck))


def _state_words(seen: Seen, stuck: str) -> str:
    if stuck and seen.state is State.QUEUED:
        return f"queued, but no work is taken: {stuck}. Put that right, then `{PROG} stop` and any command."
    if seen.state is State.RUNNING:
        return ", ".join(filter(None, ("running", seen.where)))
    if seen.state is State.QUEUED:
        again = f", attempt {seen.row.n} (the last one was given back: {seen.released})" if seen.released else ""
        if seen.waits:
            return f"queued: {seen.waits}"
        line = f", number {seen.place} in line" if seen.place and seen.place > 1 else ""
        return f"queued{line}{again}"
    return str(seen.state)


class View(Protocol):
    def __enter__(self) -> object: ...

    def __exit__(self, *_: object) -> None: ...

    def take(self, seen: Seen, event: dict[str, Any]) -> None: ...

    def update(self, seen: Seen, stuck: str = "") -> None: ...


class PlainView:
    """One line for each change, and the outputs between them. With `--json` nothing is said."""

    def __init__(self, setting: str, out: Output) -> None:
        self._setting = setting
        self._out = out
        self._last = ""
        self._lines = Lines()

    def __enter__(self) -> PlainView:
        return self

    def __exit__(self, *_: object) -> None:
        self._put(self._lines.rest())

    def take(self, seen: Seen, event: dict[str, Any]) -> None:
        if self._out.json:
            return
        if event.get("type") == "started":
            sandbox.warn(self._out, seen.sandbox, self._setting)
        if event.get("type") in ("cell_started", "cell_finished"):
            self._put(self._lines.rest())
        cell = event["body"].get("cell") if event.get("type") == "cell_started" else None
        if type(cell) is int and cell >= 0:
            self._say(f"running, {place(cell, seen.cells)}")
        if (text := printed(event)) is not None:
            self._put(self._lines.add(text, whole=not is_stream(event)))

    def update(self, seen: Seen, stuck: str = "") -> None:
        if seen.state is State.QUEUED:
            self._say(state_words(seen, stuck))

    def _say(self, words: str) -> None:
        if words != self._last and not self._out.json:
            self._last = words
            self._out.say(f"  {words}", "dim")

    def _put(self, text: str) -> None:
        if text:
            self._out.say(text)


class LiveView:
    """A line with spinner, state, cell and time at the bottom; outputs scroll above it."""

    def __init__(self, seen: Seen, setting: str, out: Output) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner

        self._seen = seen
        self._setting = setting
        self._stuck = ""
        self._lines = Lines()
        self._spinner = Spinner("dots")
        self._live: Live = Live(
            get_renderable=self._line,
            console=Console(file=out.stderr, highlight=False, markup=False, emoji=False),
            transient=True,
            refresh_per_second=8,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveView:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._put(self._lines.rest())
        self._live.__exit__(None, None, None)

    def take(self, seen: Seen, event: dict[str, Any]) -> None:
        if event.get("type") == "started" and (told := sandbox.words(seen.sandbox, self._setting)):
            self._put("\n".join(wrapped(f"! {told}", self._live.console.width, "  ")), f"bold {sandbox.style(told)}")
        if event.get("type") in ("cell_started", "cell_finished"):
            self._put(self._lines.rest())
        if (text := printed(event)) is not None:
            self._put(self._lines.add(text, whole=not is_stream(event)))

    def update(self, seen: Seen, stuck: str = "") -> None:
        """The line draws itself; what one must know to end the waiting is said once, in full."""
        if stuck and stuck != self._stuck and seen.state is State.QUEUED:
            self._stuck = stuck
            self._put(state_words(seen, stuck), "yellow")

    def _put(self, text: str, style: str = "") -> None:
        if text:
            from rich.text import Text

            # Text, never markup: what a notebook prints is shown, not interpreted.
            self._live.console.print(Text(text, style=style), soft_wrap=True)

    def _line(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 1))
        took = duration(self._seen.elapsed_s)
        grid.add_row(
            self._spinner, Text(f"{state_words(self._seen)}  {took}", style="bold", no_wrap=True, overflow="ellipsis")
        )
        return grid


class Lines:
    """Collects streamed text into whole lines: half a line would be torn apart by the progress line."""

    def __init__(self) -> None:
        self._half = ""

    def add(self, text: str, *, whole: bool) -> str:
        """The lines that are complete now, without the last newline; with `whole`, `text` ends with one."""
        text = self._half + text
        if whole and not text.endswith("\n"):
            text += "\n"
        done, newline, self._half = text.rpartition("\n")
        return shown(done) if newline else ""

    def rest(self) -> str:
        half, self._half = self._half, ""
        return shown(half)


def is_stream(event: dict[str, Any]) -> bool:
    return bool(event["body"]["output"].get("output_type") == "stream")
