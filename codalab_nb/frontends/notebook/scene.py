"""One task as a notebook shows it, in safe HTML: pieces, redrawn when something in them changed. Knows no widgets.

The worker may say a million lines; a piece shows the end of them, and what is saved in the notebook shows less still.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from codalab_nb.frontends.cli import sandbox, summary
from codalab_nb.frontends.cli.exits import label, short
from codalab_nb.frontends.cli.run_view import state_words
from codalab_nb.frontends.cli.text import duration, number, shown
from codalab_nb.frontends.cli.watching import Seen
from codalab_nb.frontends.notebook.pieces import LIVE, SAVED, Budget, Drawer, Extent
from codalab_nb.frontends.notebook.style import STYLE, wrapped
from codalab_nb.frontends.rendering import interactive, text
from codalab_nb.model.outputs import INJECTED, OutputFold, start_fold
from codalab_nb.model.task import Reason, State
from codalab_nb.site.site import Site

_SOURCE_LINES = 12
_TRACE_LINES = 40

PART = "codalab_part"  # in the metadata of a cell that `%%codalab` made: which part of it this is
RETURNED = "codalab_variables"  # the folder in which such a cell hands variables over
_PARTS = {"in": "Fetching the variables", "out": "Handing over the variables"}


class Scene:
    """Takes events, says which cells changed, draws them. One per display of a task."""

    def __init__(self, site: Site, seen: Seen, *, as_cell: bool = False) -> None:
        """With `as_cell` it is a cell of `%%codalab`: what it shows stands in the notebook as if it had run here."""
        self._site = site
        self.seen = seen
        notebook = summary.submitted(site, seen.task) or {"cells": []}
        self._sources = {i: _source(cell) for i, cell in enumerate(notebook.get("cells", []))}
        # Only who made the notebook may say so: another one's metadata could hide that it failed.
        self.is_cell = as_cell
        self._parts = {i: cell["metadata"][PART] for i, cell in enumerate(notebook["cells"])} if as_cell else {}
        self._fold: OutputFold = start_fold(notebook)
        self._changed: set[int] = set()
        self._truncated = False
        self._drawer = Drawer()

    # --- what happens

    def take(self, event: Mapping[str, Any]) -> None:
        kind, body = event.get("type"), event.get("body")
        body = body if isinstance(body, Mapping) else {}
        if kind == "started":  # a new attempt: what the last one said is not part of the result
            self._changed.update(i for i, cell in self._fold.cells.items() if cell["outputs"])
            for cell in self._fold.cells.values():
                cell["outputs"] = []
        elif kind == "truncated":
            self._truncated = True
        elif type(index := body.get("cell")) is int and index in self._fold.cells:
            updated = _updates(body)
            self._fold.apply({**body, "type": kind})
            self._changed.update(self._fold.cells if updated else (index,))

    def changed(self) -> list[int]:
        """The cells whose drawing is out of date since the last call, in order."""
        found, self._changed = sorted(self._changed), set()
        return found

    # --- what is drawn

    @property
    def cells(self) -> list[int]:
        """The cells that have something to show, in order."""
        return [i for i in sorted(self._fold.cells) if self._fold.cells[i]["outputs"]]

    def pieces(self, index: int, extent: Extent = LIVE, budget: Budget | None = None) -> list[tuple[object, str]]:
        """The drawing of a cell as (key, HTML); the key of a piece stays while the piece does."""
        outputs: Sequence[Mapping[str, Any]] = self._fold.cells[index]["outputs"]
        if self.is_cell:  # its error is raised where it was called
            outputs = [output for output in outputs if output.get("output_type") != "error"]
        drawn = self._drawer.pieces(outputs, extent, budget or Budget(extent))
        head = self._headline(index) if drawn else ""
        return [("head", head), *drawn] if head else drawn

    def cell(self, index: int, extent: Extent = LIVE, budget: Budget | None = None) -> str:
        """The same in one."""
        kind = "" if self.is_cell else ' class="codalab-cell"'
        return f"<div{kind}>{''.join(html for _, html in self.pieces(index, extent, budget))}</div>"

    def _headline(self, index: int) -> str:
        if index == INJECTED:
            return '<span class="soft">Parameters</span>'
        if part := self._parts.get(index):
            return f'<span class="soft">{_PARTS[part]}</span>' if part in _PARTS else ""
        source = self._sources.get(index, "")
        lines = source.strip("\n").splitlines()
        if len(lines) > _SOURCE_LINES:
            lines = [*lines[:_SOURCE_LINES], f"… {len(lines) - _SOURCE_LINES} more lines"]
        code = text("\n".join(lines))
        return f'<details><summary>Cell {index + 1}</summary><pre class="source">{code}</pre></details>'

    def head(self, stuck: str = "", *, saved: bool = False) -> str:
        """State, name, time. What is `saved` before the end is read later, when it is no longer so."""
        seen = self.seen
        state = seen.state
        past = saved and seen.result is None
        words = str(state) if seen.result is not None else state_words(seen, stuck)
        took = duration(seen.elapsed_s) if seen.result is not None else _whole_seconds(seen.elapsed_s)
        bar = ""
        if state is State.RUNNING and seen.cells and not past:
            bar = f'<progress max="{seen.cells}" value="{max(0, seen.cell or 0)}" aria-label="cells done"></progress>'
        parts = [
            f'<span class="codalab-state {"soft" if past else text(state)}">{"was " * past}{text(words)}</span>',
            bar,
            f"<b>{text(label(seen.row))}</b>",
            f"<span>{text(took)}</span>" if took else "",
            f'<span class="soft">task {text(short(seen.task.id))}</span>',
        ]
        warning = ""
        if seen.sandbox and (told := sandbox.words(seen.sandbox, self._site.settings.sandbox)):
            warning = f'<p class="failed">{text(told)}</p>'
        # Where a style sheet is not trusted, spaces keep the words apart.
        return f'<div class="codalab-head">{" ".join(filter(None, parts))}</div>{warning}'

    def answer(self) -> str:
        """Why it ended as it did, and its metrics; empty before. Stands above the cells."""
        result = self.seen.result
        if result is None:
            return ""
        drawn = []
        if result.reason is not None and not (self.is_cell and self._error_shown):
            drawn.append(self._reason(result.reason))
        if result.stopped_at is not None:
            drawn.append(f"<p>The notebook ended itself in cell {result.stopped_at + 1}; the rest was not run.</p>")
        if self.seen.metrics:
            cells = "".join(
                f'<tr><td>{text(name)}</td><td class="number">{text(number(value))}</td></tr>'
                for name, value in self.seen.metrics.items()
            )
            drawn.append(f"<table><tbody>{cells}</tbody></table>")
        return "".join(drawn)

    def leftovers(self) -> str:
        """Where the files are; empty before the end. Stands below the cells."""
        if self.seen.result is None or (self.is_cell and not self.files()):
            return ""
        drawn = []
        if names := self.files():
            drawn.append(f'<p><span class="soft">Files:</span> {text(", ".join(names[:30]))}</p>')
        if (folder := self.seen.task.folder) is not None:
            drawn.append(f'<p class="soft">Folder: {text(folder)}</p>')
        manifest = self.seen.task.manifest
        if self._truncated or (manifest is not None and manifest.truncated):
            drawn.append('<p class="note">Some output was cut at its limit; the executed notebook says where.</p>')
        return "".join(drawn)

    def files(self) -> list[str]:
        """Names of the result's files that are the notebook's own."""
        task = self.seen.task
        manifest = task.manifest
        notebook = manifest.notebook if manifest else ""
        ours = ("_codalab/", *([f"{RETURNED}/"] if self.is_cell else []))
        return [name for name in task.files if not name.startswith(ours) and name != notebook]

    def _reason(self, reason: Reason) -> str:
        title, _, trace = reason.message.partition("\n")
        kind = "soft" if self.seen.state is State.CANCELLED else "failed"
        drawn = [f'<p class="{kind}">{text(title)}</p>']
        if reason.fix:
            drawn.append(f"<p>{text(reason.fix)}</p>")
        if reason.cell is not None and reason.cell in self._sources and not self._parts.get(reason.cell):
            drawn.append(f'<p class="soft">in cell {reason.cell + 1}:</p>')
            lines = self._sources[reason.cell].strip("\n").splitlines()
            drawn.append(f'<pre class="source">{text(chr(10).join(lines[:_SOURCE_LINES]))}</pre>')
        if trace.strip() and not self._error_shown:
            drawn.append(f'<pre class="error">{text(chr(10).join(trace.splitlines()[-_TRACE_LINES:]))}</pre>')
        return "".join(drawn)

    @property
    def _error_shown(self) -> bool:
        outputs = (output for cell in self._fold.cells.values() for output in cell["outputs"])
        return any(output.get("output_type") == "error" for output in outputs)

    @property
    def interactive(self) -> list[Mapping[str, Any]]:
        """Outputs that need scripts to be shown, as they came: for a person who decides to trust this result."""
        cells = (self._fold.cells[i] for i in self.cells)
        return [output for cell in cells for output in cell["outputs"] if interactive(output)]

    # --- what stays in the notebook file

    def saved_html(self) -> str:
        """All of it, as far as a notebook file should carry it. Pictures are kept while they are few."""
        parts = [STYLE, self.head(saved=True), as_last_seen(self.seen.task.id, [self.seen]), self.answer()]
        budget = Budget(SAVED)
        parts += [self.cell(index, SAVED, budget) for index in self.cells]
        parts.append(self.leftovers())
        return wrapped("".join(parts))

    def rich_html(self) -> str:
        """Figures, tables and the like, without what was printed; empty where there are none."""
        outputs = [output for i in self.cells for output in self._fold.cells[i]["outputs"] if "data" in output]
        rich = [output for output in outputs if set(output["data"]) - {"text/plain"}]
        drawn = "".join(html for _, html in self._drawer.pieces(rich, SAVED, Budget(SAVED)))
        return wrapped(STYLE + drawn) if drawn else ""

    def saved_text(self) -> str:
        """The same in a few lines of plain text."""
        seen = self.seen
        lines = [f"Task {short(seen.task.id)} ({shown(label(seen.row))}): {state_words(seen) or seen.state}"]
        if seen.result is not None and seen.result.reason is not None:
            lines.append(shown(seen.result.reason.message.partition("\n")[0]))
        if seen.metrics:
            lines.append(summary.metrics(seen.metrics))
        if seen.result is not None and (folder := seen.task.folder):
            lines.append(f"in {folder}")
        return "\n".join(lines)


def as_last_seen(reference: str, seen: Sequence[Seen]) -> str:
    """What to do about a saved display whose tasks had not ended; empty where all had."""
    if all(one.result is not None for one in seen):
        return ""
    return (
        f'<p class="soft">As last seen; <code>%codalab status {text(short(reference))}</code> shows how it is now.</p>'
    )


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(map(str, source))


def _updates(body: Mapping[str, Any]) -> bool:
    output = body.get("output")
    return isinstance(output, Mapping) and output.get("output_type") == "update_display_data"


def _whole_seconds(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds) if seconds >= 10 else f"{int(seconds)} s"
