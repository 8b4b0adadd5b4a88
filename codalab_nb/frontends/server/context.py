"""What operations work with: the site of this Jupyter server, opened when first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from codalab_nb.frontends.sandbox_probe import why_no_sandbox
from codalab_nb.frontends.server.progress import ProgressBook
from codalab_nb.frontends.server.wire.systematic import Advice
from codalab_nb.site.site import Site


class Context:
    """`root` is the server's root folder, where a person's own files lie. Safe to share among threads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._site: Site | None = None
        self._progress: ProgressBook | None = None
        self._lock = threading.Lock()
        self._why_no_sandbox: str | None = None
        self._probe: threading.Thread | None = None
        self._closed = False
        self.advised: dict[str, Advice] = {}  # NAME@2 → the last word on what to try there
        self.datasets_changed: Callable[[], None] = lambda: None  # called by who adds, changes or removes one

    @property
    def site(self) -> Site:
        """Raises UnavailableError or InputError (config_…) where it cannot be opened; the next call tries again."""
        with self._lock:
            if self._site is None:
                self._site = Site.open()
            return self._site

    @property
    def progress(self) -> ProgressBook:
        """What is known of how far open tasks are."""
        site = self.site
        with self._lock:
            if self._progress is None:
                self._progress = ProgressBook(site)
            return self._progress

    def why_no_sandbox(self) -> str | None:
        """Empty when there is one, else why not; None as long as that is not known: it is tried out once, meanwhile."""
        with self._lock:
            if self._probe is None:
                self._probe = threading.Thread(target=self._try_sandbox, name="codalab-sandbox", daemon=True)
                self._probe.start()
        return self._why_no_sandbox

    def _try_sandbox(self) -> None:
        self._why_no_sandbox = why_no_sandbox()

    def close(self) -> None:
        with self._lock:
            site, self._site, self._progress = self._site, None, None
        if site is not None:
            site.close()
