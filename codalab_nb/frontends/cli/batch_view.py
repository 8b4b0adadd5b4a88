"""A batch, followed live on stderr: one table data set × method × parameters, or one line for each change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from codalab_nb.frontends.cli import sandbox
from codalab_nb.frontends.cli.exits import STATE_STYLES, label, short
from codalab_nb.frontends.cli.notable import notable
from codalab_nb.frontends.cli.output import Output, StoppedWatching
from codalab_nb.frontends.cli.run_view import say_it_goes_on, state_words
from codalab_nb.frontends.cli.summary import metrics, tell_reason
from codalab_nb.frontends.cli.text import duration, harmless, layout
from codalab_nb.frontends.cli.watching import Seen, Watch
from codalab_nb.model.task import State, Verdict
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Batch

if TYPE_CHECKING:
    from rich.text import Text

HEAD = ("data set", "method", "parameters", "state", "time", "metrics")
_KEY_METRICS = 3
_REASONS = 5


def follow(site: Site, batch: Batch, out: Output) -> None:
    """Returns when every task has its verdict. Ctrl-C says that the batch goes on, then raises StoppedWatching."""
    watch = Watch(site, batch.tasks)
    told = notable(site, [seen.row for seen in watch.seen])
    try:
        if out.json:
            for _ in watch.steps():
                pass
        elif out.live:
            _live(site, watch, told, out)
        else:
            _plain(site, watch, told, out)
    except KeyboardInterrupt:
        say_it_goes_on([task.id for task in batch], out, batch=batch.id)
        raise StoppedWatching from None


def _plain(site: Site, watch: Watch, told: Mapping[str, str], out: Output) -> None:
    warned = False
    states: dict[str, State] = {}
    stuck = ""
    for _ in watch.steps():
        for seen in watch.seen:
            if states.get(seen.task.id) is not seen.state:
                states[seen.task.id] = seen.state
                took = f" in {duration(seen.elapsed_s)}" if seen.result and seen.elapsed_s is not None else ""
                out.say(f"  {label(seen.row)}{_in_brackets(told[seen.task.id])}: {seen.state}{took}")
        warned = warned or _warn(site, watch, out)
        if watch.stuck and watch.stuck != stuck:
            stuck = watch.stuck
            out.warn(state_words(watch.open[0], stuck) if watch.open else stuck)


def _warn(site: Site, watch: Watch, out: Output) -> bool:
    """Says once, loudly, that there is no sandbox."""
    found = {seen.sandbox for seen in watch.seen if seen.sandbox}
    started = "none" if "none" in found else next(iter(found), None)
    return sandbox.warn(out, started, site.settings.sandbox)


def _live(site: Site, watch: Watch, told: Mapping[str, str], out: Output) -> None:
    from rich.console import Console
    from rich.live import Live

    console = Console(file=out.stderr, highlight=False, markup=False, emoji=False)
    options: dict[str, Any] = {"console": console, "transient": True, "refresh_per_second": 8}
    with Live(
        get_renderable=lambda: _screen(watch, told, console.width, console.height),
        redirect_stdout=False,
        redirect_stderr=False,
        **options,
    ):
        for _ in watch.steps():
            pass
    _warn(site, watch, out)


def _screen(watch: Watch, told: Mapping[str, str], width: int, height: int) -> Text:
    """What fits: if there are too many tasks, those that run are kept; below, how many are in which state."""
    from rich.text import Text

    room = max(3, height - 4)
    shown = watch.seen if len(watch.seen) <= room else _most_telling(watch.seen, room)
    head, *lines = layout(*_without_empty(HEAD, [row(seen, told) for seen in shown]), width, wrap=False)
    screen = Text(f"{head}\n", style="bold", no_wrap=True, overflow="ellipsis")
    for seen, line in zip(shown, lines, strict=True):
        screen.append(f"{line}\n", style=f"not bold {STATE_STYLES[seen.state]}")
    states = Counter(seen.state for seen in watch.seen)
    counted = ", ".join(f"{number} {state}" for state, number in states.items())
    screen.append(harmless(watch.stuck) or counted, style="not bold")
    return screen


def _without_empty(head: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """The table without the column of parameters when no task has any to show."""
    kept = [i for i, name in enumerate(head) if name != "parameters" or any(row[i] for row in rows)]
    return [head[i] for i in kept], [[row[i] for i in kept] for row in rows]


def _most_telling(seen: list[Seen], room: int) -> list[Seen]:
    rank = {State.RUNNING: 0, State.QUEUED: 2}
    chosen = sorted(range(len(seen)), key=lambda i: (rank.get(seen[i].state, 1), i))[:room]
    return [seen[i] for i in sorted(chosen)]


def row(seen: Seen, told: Mapping[str, str]) -> tuple[str, ...]:
    """The cells under HEAD; `told`: the parameters of each task, in words."""
    state = f"running, {seen.where}" if seen.state is State.RUNNING else seen.state
    return (
        seen.row.dataset or "",
        seen.row.method or seen.row.label,
        told[seen.task.id],
        str(state),
        duration(seen.elapsed_s),
        metrics(seen.metrics, _KEY_METRICS),
    )


def _in_brackets(told: str) -> str:
    return f" ({told})" if told else ""


def tell_table(site: Site, batch: Batch, out: Output) -> list[Seen]:
    """The table as it is at the end; what was seen of the tasks. Without parameters there is no column for them."""
    watch = Watch(site, batch.tasks)
    watch.look()
    told = notable(site, [seen.row for seen in watch.seen])
    out.table(*_without_empty(HEAD, [row(seen, told) for seen in watch.seen]), talk=True)
    return watch.seen


def tell(site: Site, batch: Batch, out: Output) -> None:
    """The final table, the reasons of what did not succeed, and where to look."""
    out.say()
    all_seen = tell_table(site, batch, out)
    told = notable(site, [seen.row for seen in all_seen])
    failed = [seen for seen in all_seen if seen.result and seen.result.verdict is not Verdict.SUCCEEDED]
    for seen in failed[:_REASONS]:
        assert seen.result is not None
        out.say()
        out.say(
            f"{label(seen.row)}{_in_brackets(told[seen.task.id])}: {seen.result.verdict}  (task {short(seen.task.id)})",
            STATE_STYLES[seen.state],
        )
        if seen.result.reason is not None:
            tell_reason(site, seen.task, seen.result.reason, out)
    if len(failed) > _REASONS:
        out.say(f"… and {len(failed) - _REASONS:,} more that did not succeed: codalab-nb status {short(batch.id)}")
    out.say()
    out.fields(
        [
            ("folders", "\n".join(str(seen.task.folder) for seen in all_seen[:6] if seen.task.folder)),
            ("copy them", f"codalab-nb results {short(batch.id)} --to DIR   (with pages to read)"),
        ]
    )
