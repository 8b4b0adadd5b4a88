"""A pool: the queues its tasks wait in, the store they lie in, and who serves them. One pool is one trust domain."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import field_validator

from codalab_nb.model.base import Document

LOCAL = "local"  # the pool of the embedded mode: always there, on this machine, served by the background process

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 40  # queues and containers are named after the pool, and their names have limits


def is_pool_name(text: str) -> bool:
    return len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None


class LocalPool(Document):
    """The pool of the embedded mode."""

    kind: Literal["local"] = "local"
    name: str = LOCAL

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if not is_pool_name(name):
            raise ValueError(f"{name!r} cannot be the name of a pool")
        return name


PoolDefinition = LocalPool
