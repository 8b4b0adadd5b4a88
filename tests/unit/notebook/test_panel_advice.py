"""What systematic analysis found, in the panel: what is recommended and why, and the matrix; from rows of a journal."""

from __future__ import annotations

import pytest

from codalab_nb import Site
from codalab_nb.frontends.notebook.panel_page import Panel
from codalab_nb.systematic import shipped
from codalab_nb.systematic.journal import Journal
from codalab_nb.systematic.rules import RuleBook
from tests.support.journal import ran
from tests.support.panel import MATRIX, add, seen

GOLUB = "golub_leukemia@1"
FOREST = 'predict-class model="forest"'
RULE = """name = "everyday"
description = "Two ways to predict"
[[methods]]
method = "predict-class"
[methods.parameters]
model = ["svm", "forest"]
"""


@pytest.fixture(autouse=True)
def _nothing_came_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the journal alone tells; results that come with the project would be recommended too."""
    monkeypatch.setattr(shipped, "read", lambda: shipped.Shipped((), {}))


@pytest.fixture
def golub(panel: Panel, site: Site) -> Panel:
    """The sample data, on which two ways to predict were compared."""
    Journal(site.places.systematic).path.unlink(missing_ok=True)
    RuleBook(site.places.rules).add(RULE, replace=True)
    panel.data.example.click()
    panel.work.wait()
    ran(site, GOLUB, "predict-class", 0.81)
    ran(site, GOLUB, FOREST, 0.93)
    panel.data.again.click()
    panel.methods.advisor.wait()
    return panel


def test_before_anything_ran_the_panel_says_that_nothing_is_known(panel: Panel) -> None:
    """An honest beginning: no badge, and in which order the methods stand."""
    add(panel, "mine.csv", MATRIX)
    panel.methods.advisor.wait()
    assert "no evidence yet" in seen(panel.methods.widget)
    assert "codalab-badge" not in seen(panel.widget)


def test_what_is_recommended_comes_first_with_why(golub: Panel) -> None:
    told = seen(golub.methods.list.children[0])
    assert golub.methods.list.children[0] is golub.methods.rows["predict-class"].widget
    assert "recommended</span> with model = forest" in told
    assert "reached 0.93 in balanced accuracy, the best of 2 that were tried" in told
    assert seen(golub.methods.widget).count("codalab-badge") == 1
    assert "</b> (model = forest)" in seen(golub.data.details.widget)


def test_its_settings_are_taken_over_by_a_click(golub: Panel) -> None:
    """What was being typed elsewhere stays; what is sent is what was recommended."""
    golub.methods.boxes["de-continuous"].value = True
    golub.settings.forms["de-continuous", "golub_leukemia"].fields["alpha"].control.value = "0."
    [button] = golub.methods.rows["predict-class"].advice.buttons
    assert button.description == "Use these settings"
    button.click()
    assert golub.methods.boxes["predict-class"].value
    assert golub.settings.forms["predict-class", "golub_leukemia"].fields["model"].control.value == "forest"
    assert golub.settings.forms["de-continuous", "golub_leukemia"].fields["alpha"].control.value == "0."
    [button] = golub.methods.rows["predict-class"].advice.buttons
    assert (button.description, button.disabled) == ("These settings are chosen", True)
    golub.methods.boxes["de-continuous"].value = False
    assert golub.state.drafts()[0].document.parameters["model"] == "forest"
    golub.settings.forms["predict-class", "golub_leukemia"].fields["model"].control.value = "lda"
    assert not golub.methods.rows["predict-class"].advice.buttons[0].disabled


def test_with_several_data_sets_each_recommendation_names_its_own(golub: Panel) -> None:
    add(golub, "mine.csv", MATRIX)
    golub.methods.advisor.wait()
    told = golub.methods.rows["predict-class"].advice
    assert "recommended</span> for golub_leukemia with model = forest" in seen(told.widget)
    [button] = told.buttons
    assert button.description == "Use these settings for golub_leukemia"
    button.click()
    models = {draft.document.dataset: draft.document.parameters["model"] for draft in golub.state.drafts()}
    assert set(models.values()) == {"forest"}  # a setting that does not hang on the data is one for all


def test_a_refresh_sees_what_ran_meanwhile(golub: Panel, site: Site) -> None:
    ran(site, GOLUB, 'predict-class model="lda"', 0.97)
    golub.data.again.click()
    golub.methods.advisor.wait()
    assert "with model = lda" in seen(golub.methods.rows["predict-class"].widget)


def test_the_matrix_is_read_when_it_is_unfolded(golub: Panel) -> None:
    """Scores, gaps, and below the table why there is no score; a score outlives the result it came from."""
    assert "codalab-matrix" not in seen(golub.widget)
    golub.matrix.fold.button.value = True
    golub.matrix.work.wait()
    told = seen(golub.matrix.widget)
    for words in ("Systematic analysis is <b>off</b>", "★ 0.93", ">0.81<", "balanced accuracy", "does not fit"):
        assert words in told
    assert "Why cells have no score" in told
    assert "--samples" not in told  # what to click, in place of what to type
    assert "Survival" in told.partition("Why cells have no score")[2]
    choices = dict(golub.matrix.open.options)
    [forest] = [task for name, task in choices.items() if "model = forest" in name]
    golub.matrix.open.value = forest
    assert "There is no task" in seen(golub.matrix.told)
    golub.matrix.again.click()
    golub.matrix.work.wait()
    assert "There is no task" not in seen(golub.matrix.widget)
