"""What the magics know of the kernel they run in: its one site, and whether a person sits in front of it."""

from __future__ import annotations

import atexit
import os
import threading
from importlib.util import find_spec
from typing import Any

from codalab_nb import settings
from codalab_nb.site.site import Site

_lock = threading.Lock()
_site: Site | None = None


def site() -> Site:
    """The site of this kernel, opened when first asked for, and anew when the settings name another one.

    Raises UnavailableError, InputError (config_…).
    """
    global _site
    with _lock:
        wanted = settings.load()
        if _site is None or _site.settings != wanted:
            # The one before stays open: displays of its tasks may still follow them.
            _site = Site.open()
            atexit.register(_site.close)
        return _site


def shell() -> Any:
    """The running InteractiveShell, or None."""
    from IPython import get_ipython

    return get_ipython()


def has_page() -> bool:
    """True in a kernel: what is displayed reaches a page, or the file of a notebook, and not a terminal."""
    return getattr(shell(), "kernel", None) is not None


def has_widgets() -> bool:
    """True in a kernel with ipywidgets: a front end may draw them, as Voilà does when nobody types."""
    return has_page() and find_spec("ipywidgets") is not None


def interactive() -> bool:
    """True where a person may watch and click. Programs that run notebooks allow no input, and get text instead.

    A front end says with each request whether it can ask for input (`allow_stdin`): JupyterLab, Notebook and VS Code
    can; papermill, nbconvert, nbval and our own worker cannot, nor can Voilà, which names itself instead.
    https://jupyter-client.readthedocs.io/en/stable/messaging.html#execute
    """
    if not has_widgets():
        return False
    return bool(getattr(shell().kernel, "_allow_stdin", False)) or _in_voila()


def _in_voila() -> bool:
    return os.environ.get("SERVER_SOFTWARE", "").startswith("voila/")
