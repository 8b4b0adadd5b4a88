"""Whether JupyterLab here shows our part of it, and what to do when it does not."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

NAME = "codalab-nb"
_CHECKOUT = Path(__file__).resolve().parents[2]


def installed() -> Path | None:
    """The folder of the built extension, as JupyterLab finds it."""
    from jupyter_core.paths import jupyter_path

    folders = (Path(folder) / NAME for folder in jupyter_path("labextensions"))
    return next((folder for folder in folders if (folder / "package.json").is_file()), None)


def why_absent() -> tuple[str, str] | None:
    """What is missing, and what to do; None when all is there, or JupyterLab itself is not."""
    if importlib.util.find_spec("jupyterlab") is None or installed() is not None:
        return None
    build = _CHECKOUT / "tools" / "front_end.py"
    if build.is_file():
        message = f"The page's part for JupyterLab is not built in {_CHECKOUT}: JupyterLab shows no CodaLab panel."
        return message, f"make extension   (or: {sys.executable} {build} develop)"
    message = "This copy of codalab_nb came without its part for JupyterLab: JupyterLab shows no CodaLab panel."
    return message, f"{sys.executable} -m pip install --force-reinstall --no-deps 'codalab-nb'"
