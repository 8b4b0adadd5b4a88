"""Files of results come from strangers' notebooks: none leads outside of its folder, none runs in the page."""

from __future__ import annotations

from typing import Any

import pytest

from codalab_nb import Site
from codalab_nb.frontends.server.wire.common import Failure
from tests.support.notebooks import write
from tests.support.server import OUTSIDE, JupyterServer, Reply


def refused(reply: Reply, *statuses: int) -> None:
    assert reply.status in statuses, reply.content
    Failure.model_validate_json(reply.content)


@pytest.fixture(scope="module")
def made(elsewhere: Site, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A result with a file that is a web page, and a neighbour whose folder starts with the same name."""
    source = (
        "from pathlib import Path\n"
        "Path('page.svg').write_text('<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>')\n"
        "Path('page.html').write_text('<script>alert(1)</script>')\n"
        "Path('fake.png').write_text('<script>alert(1)</script>')\n"
    )
    task = elsewhere.run(write(tmp_path_factory.mktemp("nb") / "n.ipynb", source)).wait()
    assert task.folder is not None
    evil = task.folder.with_name(task.folder.name + "-evil")
    evil.mkdir()
    (evil / "secret.txt").write_text("root:x")
    return task


@pytest.mark.parametrize("kind", ["files", "figures", "tables", "workbooks"])
@pytest.mark.parametrize("name", [*OUTSIDE, "../files-evil/secret.txt", "%2e%2e/files-evil/secret.txt"])
def test_files_outside_of_a_result(server: JupyterServer, made: Any, kind: str, name: str) -> None:
    reply = server.get(f"/tasks/{made.id}/{kind}/{name}")
    assert reply.status in (400, 404), (name, reply.status, reply.content)
    assert b"root:" not in reply.content


@pytest.mark.parametrize("name", ["page.svg", "page.html", "fake.png"])
def test_files_of_a_result_run_nothing(server: JupyterServer, made: Any, name: str) -> None:
    reply = server.get(f"/tasks/{made.id}/files/{name}")
    assert reply.status == 200
    assert reply.headers["Content-Disposition"].startswith("attachment")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert reply.headers["Content-Type"] == "application/octet-stream"


def test_a_figure_that_is_no_picture_is_not_shown(server: JupyterServer, made: Any) -> None:
    refused(server.get(f"/tasks/{made.id}/figures/fake.png"), 400, 404)
    refused(server.get(f"/tasks/{made.id}/figures/page.svg"), 400, 404)
