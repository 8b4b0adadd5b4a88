"""The extension in a real Jupyter server: it is there, and says what it can do."""

from __future__ import annotations

from tests.support.server import JupyterServer


def test_the_document_is_served(server: JupyterServer) -> None:
    reply = server.get("/openapi.json")
    assert reply.status == 200
    assert reply.json["openapi"].startswith("3.1")
