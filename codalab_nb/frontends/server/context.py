"""What operations work with: the site of this Jupyter server, opened when first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from codalab_nb.site.site import Site


class Context:
    """`root` is the server's root folder, where a person's own files lie. Safe to share among threads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._site: Site | None = None
        self._lock = threading.Lock()
        self._closed = False
        self.datasets_changed: Callable[[], None] = lambda: None  # called by who adds, changes or removes one

    @property
    def site(self) -> Site:
        """Raises UnavailableError or InputError (config_…) where it cannot be opened; the next call tries again."""
        with self._lock:
            if self._site is None:
                self._site = Site.open()
            return self._site

    def close(self) -> None:
        with self._lock:
            site, self._site = self._site, None
        if site is not None:
            site.close()
