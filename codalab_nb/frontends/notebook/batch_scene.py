"""A batch as one table: data sets × methods × parameter values, with states, metrics, failed cells and reasons.

Safe HTML; knows no widgets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from codalab_nb.frontends.cli.exits import short
from codalab_nb.frontends.cli.notable import notable
from codalab_nb.frontends.cli.text import duration, number
from codalab_nb.frontends.cli.watching import Seen, Watch
from codalab_nb.frontends.notebook.scene import as_last_seen
from codalab_nb.frontends.notebook.style import STYLE, wrapped
from codalab_nb.frontends.rendering import text
from codalab_nb.model.task import State
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Batch

METRIC = "\0"  # before the name of a metric by which is sorted: a metric may be called `time`
SORTS = ("as submitted", "data set", "method", "parameters", "state", "time")
_METRICS = 8  # columns of metrics
_ROWS = 1_000  # drawn; `.dataframe()` has all
_ORDER = [State.FAILED, State.LOST, State.EXPIRED, State.CANCELLED, State.RUNNING, State.QUEUED, State.SUCCEEDED]


def still(site: Site, batch: Batch) -> tuple[str, str]:
    """The table as it is now, as HTML and as text."""
    watch = Watch(site, batch.tasks)
    watch.look()
    return saved(batch, watch.seen, notable(site, [seen.row for seen in watch.seen]))


def saved(batch: Batch, seen: Sequence[Seen], told: Mapping[str, str]) -> tuple[str, str]:
    html = wrapped(STYLE + head(batch, seen) + as_last_seen(batch.id, seen) + table(seen, told))
    states = Counter(str(one.state) for one in seen)
    counted = ", ".join(f"{n} {state}" for state, n in states.items())
    return html, f"Batch {short(batch.id)}: {counted}"


def head(batch: Batch, seen: Sequence[Seen], stuck: str = "") -> str:
    states = Counter(str(one.state) for one in seen)
    done = sum(one.result is not None for one in seen)
    bar = f'<progress max="{len(seen)}" value="{done}" aria-label="tasks done"></progress>' if done < len(seen) else ""
    marks = "".join(
        f'<span class="codalab-state {text(state)}">{n:,} {text(state)}</span>' for state, n in states.items()
    )
    warning = f'<p class="failed">No work is taken: {text(stuck)}</p>' if stuck else ""
    name = f'<span class="soft">batch {text(short(batch.id))}</span>'
    return f'<div class="codalab-head">{marks}{bar}{name}</div>{warning}'


def metric_names(seen: Sequence[Seen]) -> list[str]:
    """Metrics that tasks of the batch have, those of most tasks first; ties as reported."""
    found = Counter(name for one in seen for name in one.metrics)
    return [name for name, _ in found.most_common(_METRICS)]


def table(seen: Sequence[Seen], told: Mapping[str, str]) -> str:
    """One row for each task; columns that would be empty everywhere are left out."""
    names = metric_names(seen)
    columns: list[tuple[str, Callable[[Seen], str], bool]] = [
        ("data set", lambda one: one.row.dataset or "", False),
        ("method", lambda one: one.row.method or one.row.label, False),
        ("parameters", lambda one: told[one.task.id], False),
        ("state", _state, False),
        ("time", lambda one: duration(one.elapsed_s) if one.result else "", True),
        *((name, _metric(name), True) for name in names),
        ("why", _why, False),
    ]
    shown = seen[:_ROWS]
    kept = [column for column in columns if any(column[1](one) for one in shown)]
    top = "".join(f"<th{_mark(right)}>{text(name)}</th>" for name, _, right in kept)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_mark(right)}>{_coloured(one, text(value(one))) if name == 'state' else text(value(one))}</td>"
            for name, value, right in kept
        )
        + "</tr>"
        for one in shown
    )
    more = f"<p>{len(seen) - _ROWS:,} more; <code>.dataframe()</code> has all.</p>" if len(seen) > _ROWS else ""
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>{more}'


def _mark(right: bool) -> str:
    return ' class="number"' if right else ""


def _coloured(one: Seen, words: str) -> str:
    return f'<span class="{text(one.state)}">{words}</span>'


def _state(one: Seen) -> str:
    return f"running, {one.where}" if one.state is State.RUNNING else str(one.state)


def _metric(name: str) -> Callable[[Seen], str]:
    return lambda one: number(one.metrics[name]) if name in one.metrics else ""


def _why(one: Seen) -> str:
    """The reason in one line, with the cell where a cell failed."""
    reason = one.result.reason if one.result is not None else None
    if reason is None:
        return ""
    where = f"cell {reason.cell + 1}: " if reason.cell is not None and reason.cell >= 0 else ""
    return where + reason.message.partition("\n")[0][:200]


def sorted_by(seen: Sequence[Seen], told: Mapping[str, str], by: str, down: bool) -> list[Seen]:
    keys: dict[str, Callable[[Seen], Any]] = {
        "data set": lambda one: one.row.dataset or "",
        "method": lambda one: one.row.method or one.row.label,
        "parameters": lambda one: told[one.task.id],
        "state": lambda one: _ORDER.index(one.state),
        "time": lambda one: one.elapsed_s or 0.0,
    }
    if by == SORTS[0]:
        return list(reversed(seen)) if down else list(seen)
    if by in keys:
        return sorted(seen, key=keys[by], reverse=down)
    by = by.removeprefix(METRIC)
    known = [one for one in seen if by in one.metrics]
    rest = [one for one in seen if by not in one.metrics]  # without the number: last, whichever way
    return sorted(known, key=lambda one: one.metrics[by], reverse=down) + rest
