"""The WebSocket `/codalab/api/events`: news for one open page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from pydantic import TypeAdapter, ValidationError
from tornado import web, websocket

from codalab_nb.frontends.server import failures, security
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.feed import Feed
from codalab_nb.frontends.server.feed_page import Page
from codalab_nb.frontends.server.wire.events import FromPage
from codalab_nb.model.base import is_id

PATH = "/events"
_FROM_PAGE: TypeAdapter[FromPage] = TypeAdapter(FromPage)
_NOT_UNDERSTOOD, _UNFORESEEN = 1003, 1011  # RFC 6455, section 7.4.1


class EventsHandler(websocket.WebSocketHandler, JupyterHandler):
    """Authenticated, authorized and of our own origin before it is a WebSocket at all."""

    auth_resource = security.RESOURCE
    max_message_size = 1 << 16  # pages say little
    # jupyter_server's own mixin gives tornado, which pings by itself, milliseconds for seconds.
    ping_interval = 30.0
    ping_timeout = 30.0

    def initialize(self, context: Context, feed: Feed) -> None:
        self._context = context
        self._feed = feed
        self._page: Page | None = None

    async def prepare(self) -> None:  # type: ignore[override]
        await JupyterHandler.prepare(self, _redirect_to_login=False)

    def check_origin(self, origin_to_satisfy_tornado: str = "") -> bool:
        """As for every other request of this server: its own settings say which pages may ask."""
        return bool(JupyterHandler.check_origin(self, origin_to_satisfy_tornado))

    async def get(self, *arguments: Any, **named: Any) -> None:
        if self.current_user is None:
            raise web.HTTPError(403)
        allowed = self.authorizer.is_authorized(self, self.current_user, "read", self.auth_resource)
        if not (await allowed if isinstance(allowed, Awaitable) else allowed):
            raise web.HTTPError(403)
        opening = super().get(*arguments, **named)
        if opening is not None:
            await opening

    def open(self, *_: Any, **__: Any) -> None:
        self.set_nodelay(True)
        loop = asyncio.get_running_loop()

        def send(message: bytes) -> None:
            loop.call_soon_threadsafe(self._start_sending, message)

        def hang_up() -> None:
            loop.call_soon_threadsafe(self.close, _UNFORESEEN)

        self._page = Page(self._context, send, self._feed.wake, hang_up)
        self._feed.attach(self._page)

    def _start_sending(self, message: bytes) -> None:
        self._sending = asyncio.ensure_future(self._write(message))

    async def _write(self, message: bytes) -> None:
        page = self._page
        if page is None:
            return
        try:
            await self.write_message(message)
        except websocket.WebSocketClosedError:
            return  # on_close tells the feed
        page.sent()
        self._feed.wake()

    def on_message(self, message: str | bytes) -> None:
        page = self._page
        if page is None:
            return
        try:
            said = _FROM_PAGE.validate_json(message)
        except ValidationError:
            self.close(_NOT_UNDERSTOOD, "what a page may say stands in openapi.json, as FromPage")
            return
        if not is_id(getattr(said, "task", None) or "00000000-0000-0000-0000-000000000000"):
            self.close(_NOT_UNDERSTOOD, "a task is named by its id")
            return
        page.heard(said)
        self._feed.wake()

    def on_close(self) -> None:
        page, self._page = self._page, None
        if page is not None:
            self._feed.detach(page)
        super().on_close()

    def write_error(self, status_code: int, **_: Any) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish(failures.of_status(status_code).model_dump_json())
