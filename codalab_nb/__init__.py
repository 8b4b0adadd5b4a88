"""codalab_nb: pick data sets and analysis methods, run notebooks on workers, get one verdict each.

from codalab_nb import Site
with Site.open() as site:
    task = site.run("my.ipynb", parameters={"alpha": 0.01})
    print(task.verdict, task.metrics, task.folder)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codalab_nb._version import __version__

if TYPE_CHECKING:
    from codalab_nb.site.requests import Options
    from codalab_nb.site.site import Site
    from codalab_nb.site.tasks import Batch, Task

__all__ = ["Batch", "Options", "Site", "Task", "__version__", "panel"]

_HOMES = {"Site": "site.site", "Options": "site.requests", "Task": "site.tasks", "Batch": "site.tasks"}


def panel() -> None:
    """Shows the panel below this cell of a notebook: pick data sets and methods, analyze, look, bring back."""
    from codalab_nb.frontends.notebook.panel import panel as show

    show()


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext codalab_nb`"""
    from codalab_nb.frontends.notebook import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    from codalab_nb.frontends.notebook import unload

    unload(shell)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "codalab_nb"}]


def _load_jupyter_server_extension(server: Any) -> None:
    from codalab_nb.frontends.server.app import load

    load(server)


def __getattr__(name: str) -> Any:
    # Loaded when first asked for: a notebook that only calls `codalab_nb.report` need not load the site.
    if name not in _HOMES:
        raise AttributeError(f"module 'codalab_nb' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"codalab_nb.{_HOMES[name]}"), name)
