"""The Python kernel of a box: ipykernel, started in a forked process instead of a new interpreter."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from typing import Any, NoReturn

import zmq
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from tornado.ioloop import IOLoop
from traitlets.config import Config

from codalab_worker import namespaces, preload

_FLUSH_S = 0.05  # how long printed text may wait before it is sent; ipykernel's own 0.2 s feels slow
_MAX_BLAS_THREADS = 8
_BLAS_DELAY_S = 0.3  # new BLAS threads spin for a while: not while the box gets ready


class BoxKernel(IPythonKernel):  # type: ignore[misc]
    """A kernel that really ends when it is asked to: it is used once."""

    def do_shutdown(self, restart: bool) -> NoReturn:  # noqa: ARG002 - ipykernel's signature
        """ipykernel stops its loop 0.1 s later; the next cell could still run, or not. Here the end is at once."""
        os._exit(0)


class BoxKernelApp(IPKernelApp):  # type: ignore[misc]
    """ipykernel's application without what is for people at a terminal, and with an output queue that drops nothing."""

    kernel_class = BoxKernel

    def init_iopub(self, context: zmq.Context[Any]) -> None:
        # The limit must be set before the socket is bound. It is unlimited: a message above it would be lost in
        # silence. Whoever floods fills the memory of this process, which the box's limits see.
        context.setsockopt(zmq.SNDHWM, 0)
        super().init_iopub(context)

    def parse_command_line(self, argv: Any = None) -> None:
        """There is none. Building ipykernel's argument parser would cost 20 ms."""

    def init_crash_handler(self) -> None:
        """None: the traceback of a crashing kernel has nobody to read it here."""

    def init_io(self) -> None:
        super().init_io()
        for stream in (sys.stdout, sys.stderr):
            stream.flush_interval = _FLUSH_S  # type: ignore[union-attr]

    def log_connection_info(self) -> None:
        """Nothing is printed: nobody connects by hand."""
        self._ports = {name: getattr(self, f"{name}_port") for name in ("shell", "iopub", "stdin", "hb", "control")}


def run(connection_file: str, folder: str, tell: Callable[[str], None]) -> NoReturn:
    """Becomes the kernel of `connection_file` with `folder` as its working folder; never returns.

    `tell` is called once: with "ready" when the sockets stand and requests will be answered, else with the trouble.
    """
    status = 1
    started = False
    try:
        _bind_to_runner()
        os.chdir(folder)
        _forget_the_parent()
        configuration = Config()
        configuration.HistoryManager.enabled = False
        configuration.IPKernelApp.connection_file = connection_file
        app = BoxKernelApp.instance(config=configuration)
        app.log.setLevel(logging.WARNING)  # traitlets formats debug messages first and drops them later
        app.initialize([])
        _connect_figures(app.shell)
        if "" not in sys.path:
            sys.path.insert(0, "")
        tell("ready")
        started = True
        IOLoop.current().call_later(_BLAS_DELAY_S, _allow_blas_threads)
        app.start()
        status = 0
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 1
    except Exception as error:  # noqa: BLE001 - told to the runner, then the process ends
        if not started:
            tell(f"{type(error).__name__}: {error}")
    finally:
        # No interpreter shutdown: threads of the task must not delay the end, and inherited objects must not be
        # finalized twice.
        os._exit(status)


def _connect_figures(shell: Any) -> None:
    """The inline backend looks for its shell when it is imported, but in the zygote there was none."""
    if "matplotlib.pyplot" in sys.modules and "matplotlib_inline.backend_inline" in sys.modules:
        shell.enable_matplotlib("inline")


def _allow_blas_threads() -> None:
    """The zygote had to load BLAS with one thread; a task may use the machine."""
    for library in preload.blas:
        with contextlib.suppress(Exception):
            library.set_num_threads(min(len(os.sched_getaffinity(0)), _MAX_BLAS_THREADS))


def _bind_to_runner() -> None:
    """The kernel dies with its runner, and may be looked at through /proc by itself (the runner may not)."""
    if sys.platform == "linux":
        namespaces.die_with_parent()
        namespaces.set_dumpable(True)


def _forget_the_parent() -> None:
    """Undoes what a fork copies and a fresh interpreter would not have."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as Python itself does at start
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["ipykernel_launcher"]
    tempfile.tempdir = None
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(None)  # every fork inherits the same legacy state: two tasks would draw the same numbers
    if matplotlib := sys.modules.get("matplotlib"):
        # Remembered from the zygote, whose folder is not here.
        for name in ("get_configdir", "get_cachedir"):
            setattr(matplotlib, name, lambda: os.environ["MPLCONFIGDIR"])
