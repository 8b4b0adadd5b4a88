"""Strangers, other pages, and names that lead outside: every route of the table, not a choice of them.

A request that is refused has changed nothing, and its answer is a Failure like any other.
"""

from __future__ import annotations

import contextlib
import re
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest
import websocket
from hypothesis import given
from hypothesis import strategies as st

from codalab_nb import Site
from codalab_nb.errors import InputError
from codalab_nb.frontends.server import app, security
from codalab_nb.frontends.server.operations import OPERATIONS
from codalab_nb.frontends.server.routes import BYTES, ROUTES, Route
from codalab_nb.frontends.server.wire.common import Failure
from tests.support.home import ROOT, Home
from tests.support.server import API, OUTSIDE, TOKEN, JupyterServer, Reply, Stream

EVENTS = Route("events", "GET", "/events", "The WebSocket, asked for as a page", Failure)
assert app.OPERATIONS  # loading the extension registered them
EVERY = [route for route in ROUTES if route.operation in OPERATIONS] + [EVENTS]
CHANGING = [route for route in EVERY if route.verb != "GET"]
OF_BYTES = [route for route in EVERY if route.verb == "GET" and isinstance(route.answer, str)]
SAMPLES = {"task": str(uuid.uuid4()), "batch": str(uuid.uuid4()), "upload": str(uuid.uuid4()), "path": "a.png"}


def named(routes: list[Route]) -> Any:
    return pytest.mark.parametrize("route", routes, ids=[route.operation for route in routes])


def path_of(route: Route) -> str:
    return re.sub(r"{(\w+)}", lambda match: SAMPLES.get(match[1], "x"), route.path)


def ask(server: JupyterServer, route: Route, **options: Any) -> Reply:
    content = b"bytes" if route.request == BYTES else b"{}" if route.request is not None else None
    return server.request(route.verb, path_of(route), content=content, **options)


def refused(reply: Reply, *statuses: int) -> None:
    assert reply.status in statuses, reply.content
    Failure.model_validate_json(reply.content)
    assert "Traceback" not in reply.content.decode()


@named(EVERY)
@pytest.mark.parametrize("token", [None, "wrong", ""])
def test_strangers(server: JupyterServer, route: Route, token: str | None) -> None:
    refused(ask(server, route, token=token), 403)


@named(EVERY)
def test_a_token_in_the_address_is_looked_at_as_well(server: JupyterServer, route: Route) -> None:
    reply = server.request(route.verb, path_of(route) + "?token=wrong", token=None, content=None)
    refused(reply, 403)


@named(EVERY)
def test_an_authorizer_that_denies(denying: JupyterServer, route: Route) -> None:
    refused(ask(denying, route), 403)


@pytest.fixture(scope="module")
def denying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    base = tmp_path_factory.mktemp("denying")
    option = "--ServerApp.authorizer_class=tests.support.denying.DenyOurs"
    with Home(base / "home") as home:
        server = JupyterServer(base, home, option, PYTHONPATH=str(ROOT))
        server.alive = "/api"
        with server:
            yield server


# --- another page in the browser of a person who is logged in


class Browser:
    """Holds cookies, as after a log-in. `own` requests carry what our own pages send."""

    def __init__(self, server: JupyterServer) -> None:
        self.server = server
        self.jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        with contextlib.suppress(urllib.error.HTTPError):
            self._opener.open(f"{server.url}/tree?token={TOKEN}", timeout=30).close()
        self.cookies = {cookie.name: str(cookie.value) for cookie in self.jar}

    def ask(self, route: Route, **headers: str) -> Reply:
        content = b"bytes" if route.request == BYTES else b"{}" if route.request is not None else None
        request = urllib.request.Request(
            self.server.url + API + path_of(route), data=content, method=route.verb, headers=headers
        )
        try:
            with self._opener.open(request, timeout=30) as reply:
                return Reply(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.headers, error.read())

    def own(self) -> dict[str, str]:
        return {"Origin": self.server.url, "Referer": f"{self.server.url}/lab", "X-XSRFToken": self.cookies["_xsrf"]}


@pytest.fixture(scope="module")
def browser(server: JupyterServer) -> Browser:
    made = Browser(server)
    assert "_xsrf" in made.cookies
    assert len(made.cookies) >= 2
    return made


@named([route for route in EVERY if route is not EVENTS])
def test_our_own_pages_are_let_in(browser: Browser, route: Route) -> None:
    """Cookies and headers of a page of ours are enough: what is refused below is refused for what it lacks."""
    reply = browser.ask(route, **browser.own())
    assert reply.status not in (403, 405), reply.content


@named(CHANGING)
def test_a_change_without_the_xsrf_header(browser: Browser, route: Route) -> None:
    headers = {name: value for name, value in browser.own().items() if name != "X-XSRFToken"}
    refused(browser.ask(route, **headers), 403)


@named([route for route in EVERY if route is not EVENTS])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "{own}.evil"])
def test_another_origin(browser: Browser, route: Route, origin: str) -> None:
    foreign = origin.format(own=browser.server.url)
    headers = {"Origin": foreign, "Referer": f"{foreign}/page"}
    reply = browser.ask(route, **headers)
    refused(reply, 403, 404)
    assert reply.headers.get("Access-Control-Allow-Origin") in (None, "")


@named(OF_BYTES)
@pytest.mark.parametrize("headers", [{}, {"Referer": "https://evil.example/"}])
def test_bytes_are_not_for_tags_of_other_pages(browser: Browser, route: Route, headers: dict[str, str]) -> None:
    """<img src> and <script src> send cookies and no Origin."""
    refused(browser.ask(route, **headers), 403)


# --- the WebSocket, as what it is


def handshake(server: JupyterServer, **options: Any) -> int:
    try:
        with Stream(server, **options) as page:
            page.next()
    except websocket.WebSocketBadStatusException as error:
        return int(error.status_code)
    return 101


def test_the_websocket(server: JupyterServer, denying: JupyterServer, browser: Browser) -> None:
    assert handshake(server) == 101
    assert handshake(server, header={}) == 403
    assert handshake(server, header={"Authorization": "token wrong"}) == 403
    assert handshake(denying) == 403
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    assert handshake(server, header={}, cookie=cookie, origin=server.url) == 101
    for origin in ("https://evil.example", f"{server.url}.evil", "null"):
        assert handshake(server, header={}, cookie=cookie, origin=origin) == 403


# --- names


@named([route for route in EVERY if "{" in route.path])
@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_lead_outside(server: JupyterServer, route: Route, name: str, elsewhere: Site) -> None:
    """For the last parameter of a path; 404 or 400, never a look elsewhere, never a fault."""
    parameters = re.findall(r"{(\w+)}", route.path)
    values = {**SAMPLES, parameters[-1]: name}
    path = re.sub(r"{(\w+)}", lambda match: values.get(match[1], "x"), route.path)
    content = b"bytes" if route.request == BYTES else b"{}" if route.request is not None else None
    reply = server.request(route.verb, path, content=content)
    assert reply.status in (400, 403, 404, 405), (path, reply.status, reply.content)
    assert b"root:" not in reply.content


def test_nothing_secret_is_in_the_log(server: JupyterServer) -> None:
    server.request("GET", f"/status?token={TOKEN}", token=None)
    with contextlib.suppress(websocket.WebSocketException):
        websocket.create_connection(f"ws://127.0.0.1:{server.port}{API}/events?token={TOKEN}", timeout=30).close()
    assert TOKEN not in server.log().replace(f"--IdentityProvider.token={TOKEN}", "")


# --- the same, without a server


@given(st.text(max_size=40))
def test_contained_never_leads_outside(name: str) -> None:
    folder = Path("/tmp/codalab-nb-no-such-folder")
    with contextlib.suppress(InputError):
        path = security.contained(folder, name)
        assert path.is_relative_to(folder)
        assert path != folder


def test_links_are_followed_before_it_is_judged(tmp_path: Path) -> None:
    inside, outside = tmp_path / "files", tmp_path / "files-evil"
    inside.mkdir()
    outside.mkdir()
    (outside / "x").write_text("x")
    (inside / "link").symlink_to(outside / "x")
    (inside / "folder").symlink_to(outside)
    for name in ("link", "folder/x", "../files-evil/x", "folder"):
        with pytest.raises(InputError):
            security.contained(inside, name)
    (inside / "good").write_text("x")
    assert security.contained(inside, "good") == (inside / "good").resolve()
