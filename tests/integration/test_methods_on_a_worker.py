"""Each template once as a person starts it: through the site, the queue, a worker and its sandbox."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codalab_nb import Site
from codalab_nb.report import REPORT_TYPE
from codalab_nb.site.tasks import Task
from tests.support.home import Home
from tests.support.templates import BEST, QUICK, Data, Template, everything, templates

PATIENCE_S = 100.0


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Template → its task, all submitted at once."""
    folder = tmp_path_factory.mktemp("worker")
    with Home(folder / "home", CODALAB_NB_WARM="2") as home, home.site(serve=True) as site:
        added = {one.name: add(site, one, folder / one.name) for one in everything()}
        tasks = {}
        for template in templates():
            names = [BEST[template.name]] if template.name in BEST else list(added)
            fitting = next(name for name in names if template.offered(added[name], QUICK.get(template.name, {}))[0])
            given = QUICK.get(template.name, {})
            tasks[template.name] = next(iter(site.analyze([fitting], [template.name], parameters=given)))
        for task in tasks.values():
            task.wait(PATIENCE_S)
        yield tasks


def add(site: Site, data: Data, folder: Path) -> Any:
    data.write(folder)
    samples = folder / "samples.csv"
    document = site.add_dataset(
        folder / "expression.csv",
        samples=samples if samples.exists() else None,
        name=data.name,
        roles=dict(data.roles),
    )
    return document.profile


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.name)
def test_it_succeeds_and_leaves_what_it_declares(done: dict[str, Task], template: Template) -> None:
    task, method = done[template.name], template.method
    assert task.verdict == "succeeded", [event for event in task.events() if event["type"] == "finished"]
    assert f"{method.first_figure}.png" in task.files
    assert any(name.endswith(".xlsx") for name in task.files)
    assert set(task.metrics) <= {metric.name for metric in method.metrics}
    assert task.metrics
    assert task.notebook is not None
    outputs = [out for cell in json.loads(task.notebook.read_text())["cells"] for out in cell.get("outputs", [])]
    assert not [out for out in outputs if out["output_type"] == "stream"]  # no warning reaches the reader
    reported = [out["data"][REPORT_TYPE] for out in outputs if REPORT_TYPE in out.get("data", {})]
    assert reported[0].get("figure", method.first_figure) == method.first_figure or "table" in reported[0]
    assert all(one["alt"] and one["title"] for one in reported if "figure" in one)
