"""How an operation of the REST interface is written: a plain function that may block, found by its name in `ROUTES`.

    @operation("getTask")
    def get_task(context: Context, task: str) -> TaskDetail: ...

It is called in a thread with what its route names: the parameters of the path (`task`), of the query (absent: None, or
`()` where there may be many) and `body`, the validated request. It raises what the site raises: InputError (400, or 404
and 409 by its code), UnavailableError (503), ProtocolError (500). Where the route's answer is bytes it returns a
Download; where the request is bytes, a Sink that takes them as they come.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.routes import BYTES, ROUTES, Route

Function = Callable[..., Any]
BY_NAME: dict[str, Route] = {route.operation: route for route in ROUTES}


@dataclass(frozen=True)
class Download:
    """Bytes for the browser: an attachment called `name`. With `inline` a picture, whose bytes the caller checked."""

    content: bytes | Path
    name: str
    media: str = BYTES
    inline: bool = False


class Sink(Protocol):
    """Takes an upload. The calls come one after the other, in threads; exactly one of `finish` and `abort` ends it."""

    def write(self, chunk: bytes) -> None: ...

    def finish(self) -> BaseModel: ...

    def abort(self) -> None: ...


@dataclass(frozen=True)
class Operation:
    route: Route
    function: Function
    slow: bool  # takes seconds: it then waits among its like only

    def __call__(self, context: Context, **arguments: Any) -> Any:
        return self.function(context, **arguments)


OPERATIONS: dict[str, Operation] = {}


def operation(name: str, *, slow: bool = False) -> Callable[[Function], Function]:
    """Makes a function the one that does the operation `name`. Its parameters must be those of the route."""
    route = BY_NAME[name]

    def register(function: Function) -> Function:
        wanted = {*path_parameters(route), *(query.name for query in route.query)}
        if route.request is not None and route.request != BYTES:
            wanted.add("body")
        has = set(list(inspect.signature(function).parameters)[1:])
        if name in OPERATIONS or has != wanted:
            raise TypeError(f"the operation {name} is to take {sorted(wanted)} once, {function} takes {sorted(has)}")
        OPERATIONS[name] = Operation(route, function, slow)
        return function

    return register


def path_parameters(route: Route) -> list[str]:
    return re.findall(r"{(\w+)}", route.path)
