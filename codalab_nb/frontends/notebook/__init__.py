"""The notebook's front end: `%load_ext codalab_nb`.

magics.py, cell.py, completion.py    what is typed        session.py     the kernel's site; is somebody there?
display.py                           where a value shows  scene.py       a task as safe HTML
task_view.py, batch_view.py          live widgets         follow.py      the thread that feeds them
panel.py, form.py                    pick and click
"""

from __future__ import annotations

from typing import Any


def load(shell: Any) -> None:
    """Adds the magics, their completion, and the display of tasks to an IPython shell. Twice is as once."""
    from codalab_nb.frontends.notebook.completion import complete
    from codalab_nb.frontends.notebook.magics import CodalabMagics
    from codalab_nb.frontends.notebook.showing import register

    shell.register_magics(CodalabMagics)
    if complete not in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.append(complete)
    register(shell.display_formatter)


def unload(shell: Any) -> None:
    """Takes away what `load` added, but for the display of values that exist."""
    from codalab_nb.frontends.notebook.completion import complete

    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("codalab", None)
    if complete in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.remove(complete)
