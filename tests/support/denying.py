"""An authorizer of a Jupyter server that lets nobody near what is ours. Loaded by a server under test."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth import Authorizer


class DenyOurs(Authorizer):
    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != "codalab_nb"
