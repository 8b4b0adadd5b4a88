"""`%codalab recommend` and `%codalab systematic …` in a real kernel, on results of real workers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from codalab_nb.examples import example_folder
from tests.support.home import Home
from tests.support.kernel import Kernel, kernel

METHOD = "-m predict-class -p permutations=0 -p repeats=1 -p compare_models=false"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    # Short: a kernel's sockets lie in it.
    with tempfile.TemporaryDirectory(prefix="cn-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def person(home: Home, folder: Path) -> Iterator[Kernel]:
    example = example_folder()
    with kernel(folder, home.environment(), interactive=True) as one:
        assert one.run("%load_ext codalab_nb").ok
        add = f"%codalab dataset add {example}/expression.csv --samples {example}/samples.csv --name golub"
        assert one.run(add).ok
        yield one


def test_recommend_is_a_table_and_a_value(person: Kernel) -> None:
    """Two ways to predict were compared on the data set; the better one is recommended, with why and how to run it."""
    ran = person.run(
        f"a = %codalab analyze golub {METHOD}\nb = %codalab analyze golub {METHOD} -p model=centroid\n"
        "print(*[task.wait().verdict for task in (*a, *b)])"
    )
    assert ran.text.split() == ["succeeded", "succeeded"]
    cell = person.run("found = %codalab recommend golub\nfound")
    assert cell.ok
    [shown] = cell.shown("text/html")
    assert "What to try on <b>golub@1</b>" in shown
    assert "recommended</span>" in shown
    assert "%codalab analyze golub@1 -m predict-class" in shown
    assert "What to try on golub@1:" in cell.shown("text/plain")[0]
    best = "[one.method for one in found.recommended if one.badge and one.question == 'prediction']"
    value = person.run(f"print({best}, found.dataset)")
    assert value.text.strip() == "['predict-class'] golub@1"


def test_the_matrix_is_a_table_and_the_rest_is_told_in_words(person: Kernel, folder: Path) -> None:
    (folder / "two.toml").write_text('name = "two"\n[[methods]]\nmethod = "check-*"\n[budget]\ntasks = 9\n')
    assert person.run("%codalab systematic rule add two.toml").ok
    assert "two" in person.run("%codalab systematic rule list").text
    assert "off" in person.run("%codalab systematic").text
    cell = person.run("%codalab systematic status --matrix")
    [shown] = cell.shown("text/html")
    assert "codalab-matrix" in shown
    assert "planned" in shown
    assert "does not fit" in shown
    told = json.loads(person.run("%codalab systematic status --json --matrix").text)
    assert told["matrix"]["total"] == 1
    assert not cell.text.strip()


def test_slips_are_told_in_words(person: Kernel) -> None:
    assert "There is no data set nobody" in person.run("%codalab recommend nobody").traceback
    assert "No method answers" in person.run("%codalab systematic status --matrix --question x").traceback
    assert person.complete("%codalab recommend go") == ["golub"]
    assert person.complete("%codalab systematic rule s") == ["show"]
