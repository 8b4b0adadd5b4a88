"""`%%codalab`: a cell on a worker, with variables there and back."""

from __future__ import annotations

from tests.support.browser import Notebook


def test_a_data_frame_of_100_mb_goes_there_and_back(notebook: Notebook) -> None:
    """The worker sees the same frame, and what it made of it is a variable here, dtypes, index and all."""
    notebook.run("%load_ext codalab_nb")
    made = notebook.run(
        "import numpy as np, pandas as pd\n"
        "df = pd.DataFrame(np.random.default_rng(0).normal(size=(1_250_000, 9)), columns=list('abcdefghi'))\n"
        "df['group'] = pd.Categorical.from_codes(np.arange(len(df)) % 2, ['treated', 'control'])\n"
        "df['seen'] = pd.date_range('2026-01-01', periods=len(df), freq='s', tz='UTC')\n"
        "df.index = pd.RangeIndex(10, 10 + len(df), name='cell')\n"
        "print(round(df.memory_usage(index=True).sum() / 1e6), 'MB')"
    )
    assert int(notebook.text(made).split()[0]) >= 100
    index = notebook.run(
        "%%codalab -i df -o doubled -o shape\n"
        "shape = list(df.shape)\n"
        "print('on the worker:', shape)\n"
        "doubled = df.assign(a=df['a'] * 2)",
        limit_s=120,
    )
    notebook.sees(index, "on the worker: [1250000, 11]")
    notebook.shot("cell")
    checked = notebook.run(
        "pd.testing.assert_frame_equal(doubled, df.assign(a=df['a'] * 2))\nprint(shape, 'the same', doubled.index.name)"
    )
    notebook.sees(checked, "[1250000, 11] the same cell")


def test_the_traceback_is_that_of_the_worker(notebook: Notebook) -> None:
    """A failing cell fails here, too: with the line that failed, and nothing of what runs below."""
    notebook.run("%load_ext codalab_nb")
    index = notebook.run("%%codalab\nvalues = [1, 2]\nprint('so far')\nvalues[7]\n")
    notebook.sees(index, "IndexError: list index out of range")
    seen = notebook.text(index)
    assert "so far" in seen
    assert "----> 3 values[7]" in seen.replace("\xa0", " ")
    assert "codalab_nb/" not in seen
    notebook.shot("cell-failed")


def test_what_cannot_travel_is_refused_in_words(lab_notebook: Notebook) -> None:
    """Before anything is sent: what it is, and no traceback through our own code."""
    lab_notebook.run("%load_ext codalab_nb")
    index = lab_notebook.run("model = object()\nhandle = open('x.txt', 'w')")
    index = lab_notebook.run("%%codalab -i model -i handle -i nothing\n1")
    for name in ("model", "handle", "nothing"):
        lab_notebook.sees(index, name)
    assert "Traceback" not in lab_notebook.text(index)
    lab_notebook.shot("cell-refused")
