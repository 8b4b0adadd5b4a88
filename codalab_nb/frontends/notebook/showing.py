"""What IPython does with a value of ours: a task or batch is live where a person watches, and still elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from IPython.display import publish_display_data

from codalab_nb.errors import CodalabError
from codalab_nb.frontends.cli.watching import Watch
from codalab_nb.frontends.notebook import advice_view, matrix_view, session
from codalab_nb.frontends.notebook.batch_scene import still
from codalab_nb.frontends.notebook.scene import Scene
from codalab_nb.site.tasks import Batch, Task
from codalab_nb.systematic.view import Advice, Matrix


def register(formatter: Any) -> None:
    for kind in (Task, Batch):
        formatter.ipython_display_formatter.for_type(kind, _display)
        formatter.mimebundle_formatter.for_type(kind, _still)

    for shown, drawn in ((Advice, advice_view.saved), (Matrix, matrix_view.saved)):
        formatter.mimebundle_formatter.for_type(shown, partial(_drawn, drawn))


def _drawn(saved: Callable[[Any], tuple[str, str]], value: Any, include: Any = None, exclude: Any = None) -> Any:
    del include, exclude
    return dict(zip(("text/html", "text/plain"), saved(value), strict=True)) if session.has_page() else None


def _display(value: Task | Batch) -> None:
    """Raises NotImplementedError where IPython shall go on as with any other value."""
    if not session.interactive():
        raise NotImplementedError
    from codalab_nb.frontends.notebook.display import show

    try:
        show(value)
    except CodalabError as error:  # as after `%codalab rm`
        print(error)  # noqa: T201 - the output of the cell


def _still(value: Task | Batch, include: Any = None, exclude: Any = None) -> dict[str, Any] | None:
    del include, exclude
    if not session.has_page():
        return None
    try:
        return bundle(value)
    except CodalabError as error:
        return {"text/plain": f"{value!r}\n{error}"}


def bundle(value: Task | Batch) -> dict[str, str]:
    """The display without widgets, as things are now: what programs that run notebooks get."""
    if isinstance(value, Batch):
        return {"text/html": still(value.site, value)[0], "text/plain": repr(value)}
    return {"text/html": _scene(value).saved_html(), "text/plain": repr(value)}


def show_rich(task: Task) -> None:
    """Shows what cannot be printed, as figures and tables: for programs that run notebooks, after all text."""
    html = _scene(task).rich_html()
    if html and session.has_page():
        publish_display_data({"text/html": html, "text/plain": ""})


def _scene(task: Task) -> Scene:
    watch = Watch(task.site, [task])
    events = watch.look()
    scene = Scene(task.site, watch.seen[0])
    for _, event in events:
        scene.take(event)
    return scene
