"""`%codalab analyze`: a batch as one table, live and the next day."""

from __future__ import annotations

from playwright.sync_api import expect

from codalab_nb.examples import example_folder
from tests.support.browser import Notebook


def test_a_batch_is_one_table(lab_notebook: Notebook) -> None:
    """States and metrics as they come, sorted by a metric, one task opened; kept as a table in the file."""
    notebook = lab_notebook
    folder = example_folder()
    notebook.run(
        "%load_ext codalab_nb\n"
        f"%codalab dataset add {folder}/expression.csv --samples {folder}/samples.csv --name golub --accept"
    )
    index = notebook.run("%codalab analyze golub -m pca-overview --sweep top_genes=100,500", limit_s=60)
    notebook.sees(index, "2 succeeded")
    area = notebook.output(index)
    expect(area.get_by_role("row")).to_have_count(3)
    notebook.shot("batch")
    area.get_by_label("Open", exact=True).select_option(index=2)
    notebook.sees(index, "What was found")
    notebook.shot("batch-opened")
    assert "widgets" not in notebook.saved()["metadata"]
    assert notebook.file.stat().st_size < 100_000
    notebook.next_day()
    notebook.sees(index, "2 succeeded")
    expect(notebook.output(index).get_by_role("row")).to_have_count(3)
    assert "model not found" not in notebook.text(index)
    notebook.shot("batch-next-day")
