"""The one dispatcher: from a request to an operation, and from what it returns, or raises, to an answer.

No operation runs on the event loop. Quick and slow ones have pools of threads of their own, so that an import of a
large file holds up nothing but other imports.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import stat
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast
from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from pydantic import BaseModel, ValidationError
from tornado import web
from tornado.iostream import StreamClosedError

from codalab_nb.errors import CodalabError, InputError
from codalab_nb.frontends.server import failures, security
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import Download, Operation, Sink, path_parameters
from codalab_nb.frontends.server.routes import Query
from codalab_nb.frontends.server.wire.common import Failure

_T = TypeVar("_T")
_CHUNK = 1 << 18
_SMALL_BODY = 1 << 14  # is taken apart on the event loop: a thread would cost more
_LARGEST_BODY = 64 << 20  # of JSON: a notebook may have 50 MB
_LARGEST_UPLOAD = 1 << 40  # the disk is the limit


class Pools:
    """Threads for operations that may block."""

    def __init__(self) -> None:
        self._quick = ThreadPoolExecutor(8, "codalab-quick")
        self._slow = ThreadPoolExecutor(4, "codalab-slow")

    async def run(self, function: Callable[..., _T], /, *arguments: Any, slow: bool = False, **named: Any) -> _T:
        pool = self._slow if slow else self._quick
        return await asyncio.get_running_loop().run_in_executor(pool, lambda: function(*arguments, **named))

    def start(self, function: Callable[[], None]) -> None:
        """Runs it some time soon; nobody waits for it."""
        self._quick.submit(function)

    def close(self) -> None:
        for pool in (self._quick, self._slow):
            pool.shutdown(wait=False, cancel_futures=True)


class Handler(APIHandler):
    """All operations of one path. Authenticated, authorized and of our own origin before anything else is looked at."""

    auth_resource = security.RESOURCE

    def initialize(self, context: Context, pools: Pools, verbs: Mapping[str, Operation]) -> None:
        self.context = context
        self.pools = pools
        self.verbs = verbs

    async def prepare(self, **options: Any) -> None:
        await super().prepare(**options)
        # `allow_unauthenticated_access` switches off what prepare() does about strangers; not for us.
        if self.current_user is None:
            raise web.HTTPError(403)
        if self._operation is None and self.request.method != "OPTIONS":
            raise web.HTTPError(405)

    @property
    def _operation(self) -> Operation | None:
        return self.verbs.get(self.request.method or "")

    @web.authenticated
    @authorized
    async def get(self, *_: str, **parameters: str) -> None:
        await self._answer(parameters)

    @web.authenticated
    @authorized
    async def post(self, *_: str, **parameters: str) -> None:
        await self._answer(parameters)

    @web.authenticated
    @authorized
    async def put(self, *_: str, **parameters: str) -> None:
        await self._answer(parameters)

    @web.authenticated
    @authorized
    async def patch(self, *_: str, **parameters: str) -> None:
        await self._answer(parameters)

    @web.authenticated
    @authorized
    async def delete(self, *_: str, **parameters: str) -> None:
        await self._answer(parameters)

    async def _answer(self, parameters: Mapping[str, str]) -> None:
        operation = self._operation
        assert operation is not None  # prepare() asked
        if isinstance(operation.route.answer, str):
            # A page of somebody else's may name an address in <img> or <script>: no Origin comes with that.
            self.check_xsrf_cookie()
        try:
            arguments = await self._read(operation, parameters)
            answer = await self._call(operation, arguments)
        except ValidationError as error:
            self._fail(400, failures.of_request(error))
        except CodalabError as error:
            status = failures.status_of(error)
            if status >= 500:
                self.log.warning("%s: %s", operation.route.operation, error)
            self._fail(status, failures.of_error(error))
        else:
            await self._send(operation, answer)

    async def _call(self, operation: Operation, arguments: Mapping[str, Any]) -> Any:
        return await self.pools.run(operation, self.context, slow=operation.slow, **arguments)

    async def _read(self, operation: Operation, parameters: Mapping[str, str]) -> dict[str, Any]:
        if len(self.request.body) < _SMALL_BODY:
            return self._arguments(operation, parameters)
        return await self.pools.run(self._arguments, operation, parameters)

    def _arguments(self, operation: Operation, parameters: Mapping[str, str]) -> dict[str, Any]:
        route = operation.route
        found: dict[str, Any] = {
            name: security.check_parameter(name, parameters[name]) for name in path_parameters(route)
        }
        found |= {query.name: self._query(query) for query in route.query}
        if isinstance(route.request, type):
            if len(self.request.body) > _LARGEST_BODY:
                raise InputError("too_large", f"The request has more than {_LARGEST_BODY >> 20} MB.", "")
            found["body"] = route.request.model_validate_json(self.request.body)
        return found

    def _query(self, query: Query) -> Any:
        values = [text for text in self.get_query_arguments(query.name, strip=False) if text]
        if query.many:
            return tuple(values)
        if not values:
            return None
        if query.type != "integer":
            return values[-1]
        if not (values[-1].isascii() and values[-1].isdecimal() and len(values[-1]) <= 9):
            raise InputError("request", f"{query.name} is to be a whole number, not {values[-1][:50]!r}.", "")
        return int(values[-1])

    # --- answers

    async def _send(self, operation: Operation, answer: Any) -> None:
        self.set_status(operation.route.status)
        if isinstance(answer, Download):
            await self._send_bytes(answer)
        else:
            self.set_header("Cache-Control", "no-store")
            model = cast(BaseModel, answer)
            # A table of thousands takes a while to spell out.
            self.finish(await self.pools.run(lambda: model.model_dump_json(by_alias=True)))

    async def _send_bytes(self, download: Download) -> None:
        for name, value in security.FILE_HEADERS.items():
            self.set_header(name, value)
        kind = "inline" if download.inline else "attachment"
        self.set_header("Content-Disposition", f"{kind}; filename*=utf-8''{quote(download.name, safe='')}")
        if isinstance(download.content, bytes):
            self.finish(download.content, set_content_type=download.media)
            return
        self.set_header("Content-Type", download.media)
        try:
            file, size = await self.pools.run(_open_regular, download.content)
        except OSError as error:
            raise web.HTTPError(404) from error
        with contextlib.closing(file):
            self.set_header("Content-Length", str(size))
            try:
                while chunk := await self.pools.run(file.read, min(size, _CHUNK)):
                    size -= len(chunk)
                    self.write(chunk)
                    await self.flush()
            except StreamClosedError:
                return  # the browser went away
        self.finish(set_content_type=download.media)

    def _fail(self, status: int, failure: Failure) -> None:
        self.set_status(status)
        self.finish(failure.model_dump_json())

    def write_error(self, status_code: int, **_: Any) -> None:
        """What the web server refuses, and whatever was not foreseen: the traceback is in the log, and only there."""
        self._fail(status_code, failures.of_status(status_code))


def _open_regular(path: Path) -> tuple[BinaryIO, int]:
    """A file that may be what a stranger's notebook left: no link is followed, no pipe opened."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise FileNotFoundError(path)
    return os.fdopen(fd, "rb"), status.st_size


@web.stream_request_body
class UploadHandler(Handler):
    """An operation whose request is bytes. They go to its sink as they come; the browser waits while the disk works."""

    _sink: Sink | None = None
    _refused: CodalabError | None = None

    async def prepare(self, **options: Any) -> None:
        await super().prepare(**options)
        operation = self._operation
        if operation is None or isinstance(operation.route.answer, str) or operation.route.request is None:
            return
        # Before the first byte is taken: the decorators are asked only when all of them are there.
        allowed = self.authorizer.is_authorized(self, self.current_user, "write", self.auth_resource)
        if not (await allowed if isinstance(allowed, Awaitable) else allowed):
            raise web.HTTPError(403)
        cast(Any, self.request).connection.set_max_body_size(_LARGEST_UPLOAD)
        try:
            self._sink = await self.pools.run(operation, self.context, **self._arguments(operation, self.path_kwargs))
        except CodalabError as error:
            self._refused = error  # told when the bytes are through: a browser reads no answer before

    async def data_received(self, chunk: bytes) -> None:
        if self._sink is None or self._refused is not None:
            return
        try:
            await self.pools.run(self._sink.write, chunk, slow=True)
        except CodalabError as error:
            self._refused = error

    async def _call(self, operation: Operation, arguments: Mapping[str, Any]) -> Any:
        if self._sink is None and self._refused is None:  # an operation without bytes at the same path
            return await super()._call(operation, arguments)
        sink, self._sink = self._sink, None
        if self._refused is not None:
            if sink is not None:
                await self.pools.run(sink.abort)
            raise self._refused
        assert sink is not None
        return await self.pools.run(sink.finish, slow=True)

    def on_connection_close(self) -> None:
        """The page went away, or the upload was aborted: nothing half-made stays."""
        super().on_connection_close()
        self._abort()

    def on_finish(self) -> None:
        super().on_finish()
        self._abort()

    def _abort(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            self.pools.start(sink.abort)


def address(path: str) -> str:
    """The regular expression of a route's path, for what comes after the prefix. Only `{path}` may hold slashes."""
    parts = re.split(r"{(\w+)}", path)
    spelled = [
        f"(?P<{part}>{'.+' if part == 'path' else '[^/]+'})" if place % 2 else re.escape(part)
        for place, part in enumerate(parts)
    ]
    return "".join(spelled)
