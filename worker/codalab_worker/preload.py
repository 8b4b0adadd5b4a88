"""What the zygote imports ahead, so that a forked kernel has it for nothing.

Only operator-installed packages; nothing here may start a thread, an event loop or a zmq context.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import warnings
from pathlib import Path
from typing import Any

_NEEDED = (
    "papermill.engines",
    "papermill.parameterize",
    "papermill.translators",
    "nbformat.v4",
    "jupyter_client.blocking",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "ipykernel.control",
    "ipykernel.iostream",
    "ipykernel.heartbeat",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
    "codalab_worker.kernel",
    "codalab_worker.runner",
)
# Younger or optional parts of ipykernel: faster when present.
_NICE = ("ipykernel.debugger", "ipykernel.shellchannel", "ipykernel.subshell_manager", "ipykernel.subshell")
_SCIENCE = (
    "numpy",
    "pandas",
    "scipy.stats",
    "sklearn.decomposition",
    "sklearn.preprocessing",
    "sklearn.linear_model",
    "threadpoolctl",
    "matplotlib.pyplot",
    "matplotlib.font_manager",
    "matplotlib.backends.backend_agg",
    "matplotlib_inline.backend_inline",
)

blas: list[Any] = []  # controllers of the loaded BLAS and OpenMP libraries, if threadpoolctl is installed


def thread_count() -> int:
    """Threads as the kernel counts them (those of BLAS are not Python threads); 1 where /proc is absent."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else 1


def preload(*, science: bool, cache: Path) -> list[str]:
    """Imports everything that is installed and returns the names of the scientific parts that are.

    `cache`: a folder of ours where matplotlib may keep its font list from one start to the next.
    """
    # BLAS pools would be threads, and a process with threads can neither be forked safely nor enter a sandbox.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
        os.environ[name] = "1"
    # pandas and papermill import pyarrow where it is installed, whose allocator starts a thread unless told not to.
    # https://arrow.apache.org/docs/cpp/memory.html and jemalloc(3), `background_thread`
    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    os.environ["MPLCONFIGDIR"] = str(cache)
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as ipykernel would set it
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # the debugger's advice to people who debug
    # jsonschema's optional checkers cost 1.4 s of import where jupyter_events is installed, and are not used here.
    hidden = "rfc3987_syntax" not in sys.modules
    if hidden:
        sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in _NEEDED:
                importlib.import_module(name)
            for name in _NICE:
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)
            found = _science() if science else []
    finally:
        if hidden:
            del sys.modules["rfc3987_syntax"]
    return found


def _science() -> list[str]:
    found = []
    for name in _SCIENCE:
        # A broken installation of one package (any exception) must not take the others' speed away.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
            found.append(name)
    if "matplotlib_inline.backend_inline" in found and "matplotlib.pyplot" in found:
        with contextlib.suppress(Exception):
            _warm_up_plot()
    with contextlib.suppress(Exception):
        _find_blas()
    return found


def _find_blas() -> None:
    """Remembers the loaded BLAS libraries: finding them costs more than 20 ms, setting their threads little."""
    import threadpoolctl  # type: ignore[import-untyped]

    blas.extend(threadpoolctl.ThreadpoolController().lib_controllers)


def _warm_up_plot() -> None:
    """One figure through Agg: loads fonts and the PNG writer. Leaves no figure and no chosen backend behind."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1, 1))
    axes = figure.add_subplot()
    axes.plot([0, 1], label="a")
    axes.legend()
    FigureCanvasAgg(figure).print_png(io.BytesIO())  # type: ignore[no-untyped-call]
