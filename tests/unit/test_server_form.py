"""The form that JupyterLab shows: what can be chosen, what is in force, what is wrong, for one data set or several."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codalab_nb.errors import InputError
from codalab_nb.examples import GOLUB
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.examples import add_example
from codalab_nb.frontends.server.form import form
from codalab_nb.frontends.server.methods import get_method, list_methods, method_figure
from codalab_nb.frontends.server.submit import analyze
from codalab_nb.frontends.server.wire import methods
from codalab_nb.site.site import Site
from tests.support.home import Home

BLADDER = "bladder_batch"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    base = tmp_path_factory.mktemp("form")
    with Home(base / "home") as home, home.site() as site:
        add_example(site, GOLUB)
        add_example(site, BLADDER)
        yield of_site(site, base)


def of_site(site: Site, root: Path) -> Context:
    """A context on a site that serves nothing: what is submitted stays queued."""
    context = Context(root)
    context._site = site
    return context


def asked(context: Context, datasets: tuple[str, ...], *names: str, **more: Any) -> methods.Form:
    return form(context, methods.FormRequest(datasets=datasets, methods=names, **more))


def test_choices_and_defaults_come_from_the_data(context: Context) -> None:
    made = asked(context, (GOLUB,), "de-continuous")
    one = made.methods[0]
    properties = one.schema_["properties"]
    assert properties["reference"]["enum"] == ["ALL", "AML"]
    assert one.values["reference"] == "ALL"
    assert [(question.sentence, question.proposed) for question in one.references] == [
        ("up = higher in AML than in ALL", True)
    ]
    assert (made.ready, made.tasks, one.problems) == (True, 1, ())


def test_choosing_the_reference_says_so_and_turns_the_sentence(context: Context) -> None:
    one = asked(context, (GOLUB,), "de-continuous", own={"de-continuous": {"reference": "AML"}}).methods[0]
    assert (one.values["reference"], one.values["treated"]) == ("AML", "ALL")
    assert [(question.sentence, question.proposed) for question in one.references] == [
        ("up = higher in ALL than in AML", False)
    ]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("alpha", "x", "Give a number between 0.000001 and 0.5."),
        ("alpha", 7, "Give a number between 0.000001 and 0.5."),
        ("alpha", "", "Give a number between 0.000001 and 0.5."),
        ("reference", "XYZ", "cannot be 'XYZ'"),
        ("treated", "ALL", "are both 'ALL'"),
    ],
)
def test_what_is_wrong_stands_at_its_field_in_words(context: Context, name: str, value: Any, words: str) -> None:
    made = asked(context, (GOLUB,), "de-continuous", own={"de-continuous": {"reference": "ALL", name: value}})
    told = [problem.message for problem in made.methods[0].problems if problem.at is not None]
    assert any(words in one for one in told), told
    assert not made.ready
    assert not any("-p " in one for one in told)


def test_a_comma_is_a_decimal_mark_unless_it_may_stand_between_thousands(context: Context) -> None:
    made = asked(context, (GOLUB,), "de-continuous", own={"de-continuous": {"alpha": "0,1"}})
    assert made.methods[0].values["alpha"] == 0.1
    assert made.ready
    made = asked(context, (GOLUB,), "de-continuous", own={"de-continuous": {"floor": "1,000"}})
    assert "1000" in made.methods[0].problems[0].message


def test_what_methods_ask_alike_is_asked_once_and_holds_for_each(context: Context) -> None:
    made = asked(context, (GOLUB,), "de-continuous", "pca-overview", shared={"floor": 5})
    assert "floor" in made.shared["properties"]
    assert "alpha" not in made.shared["properties"]
    assert [one.values["floor"] for one in made.methods] == [5, 5]
    made = asked(
        context, (GOLUB,), "de-continuous", "pca-overview", shared={"floor": 5}, own={"pca-overview": {"floor": 9}}
    )
    assert [one.values["floor"] for one in made.methods] == [5, 9]


def test_several_data_sets_keep_their_own_defaults(context: Context) -> None:
    """A reference of one study means nothing in another."""
    one = asked(context, (GOLUB, BLADDER), "de-continuous").methods[0]
    reference = one.schema_["properties"]["reference"]
    assert "default" not in reference
    assert {"ALL", "AML", "Normal", "Cancer"} <= set(reference["enum"])
    assert "Unless you choose one: ALL (golub_leukemia), Normal (bladder_batch)" in reference["description"]
    assert [question.sentence for question in one.references] == [
        "up = higher in AML than in ALL",
        "up = higher than in Normal",
    ]
    assert [(problem.at, problem.message) for problem in one.problems] == [("treated", f"On {BLADDER}: Choose one.")]


def test_a_value_holds_where_the_data_set_has_it(context: Context) -> None:
    own = {"de-continuous": {"treated": "Cancer"}}
    one = asked(context, (GOLUB, BLADDER), "de-continuous", own=own)
    assert one.ready
    assert [question.sentence for question in one.methods[0].references] == [
        "up = higher in AML than in ALL",
        "up = higher in Cancer than in Normal",
    ]
    submitted = analyze(context, methods.Analyze(datasets=(GOLUB, BLADDER), methods=("de-continuous",), own=own))
    found = [context.site.task(task).document.parameters["treated"] for task in submitted.tasks]
    assert found == ["AML", "Cancer"]


def test_what_does_not_fit_is_left_out_and_said(context: Context) -> None:
    assert asked(context, (GOLUB,), "de-counts").problems[0].code == "nothing_to_do"
    made = asked(context, (GOLUB,), "de-counts", "pca-overview")
    assert (made.tasks, made.ready, [one.method for one in made.methods]) == (1, True, ["pca-overview"])
    request = methods.Analyze(datasets=(GOLUB,), methods=("de-counts", "pca-overview"))
    submitted = analyze(context, request)
    assert len(submitted.tasks) == 1
    assert "Left out" in submitted.warnings[0].message
    with pytest.raises(InputError, match="does not fit"):
        analyze(context, request.model_copy(update={"skip_unfit": False}))


def test_all_problems_of_analyze_are_told_at_once_and_nothing_is_queued(context: Context) -> None:
    before = len(context.site.ledger.find())
    limits = methods.Limits(timeout="soon", memory="much")
    request = methods.Analyze(datasets=(GOLUB, "gone"), methods=("pca-overview", "no-method"), limits=limits)
    with pytest.raises(InputError) as refused:
        analyze(context, request)
    assert [(one.code, one.at) for one in refused.value.problems] == [
        ("dataset_unknown", "gone"),
        ("method_unknown", "no-method"),
        ("timeout", "timeout"),
        ("memory", "memory"),
    ]
    own = {"pca-overview": {"topgenes": 1, "top_genes": -1}}
    with pytest.raises(InputError) as refused:
        analyze(context, methods.Analyze(datasets=(GOLUB,), methods=("pca-overview",), own=own))
    assert [(one.code, one.at) for one in refused.value.problems] == [
        ("param_unknown", "topgenes"),
        ("param_range", "top_genes"),
    ]
    assert len(context.site.ledger.find()) == before


def test_a_sweep_makes_a_task_for_each_value(context: Context) -> None:
    request = methods.Analyze(
        datasets=(GOLUB,),
        methods=("pca-overview",),
        own={"pca-overview": {"top_genes": 7}},
        sweep={"top_genes": (10, 20)},
    )
    submitted = analyze(context, request)
    found = [context.site.task(task).document for task in submitted.tasks]
    assert [one.parameters["top_genes"] for one in found] == [10, 20]
    assert {one.batch for one in found} == {submitted.batch}


def test_a_sweep_of_everything_is_counted_before_it_is_made(context: Context) -> None:
    """All combinations would need more memory than there is."""
    sweep = {name: tuple(range(100_000)) for name in ("top_genes", "color_by", "floor")}
    with pytest.raises(InputError) as refused:
        analyze(context, methods.Analyze(datasets=(GOLUB,), methods=("pca-overview",), sweep=sweep))
    assert [one.code for one in refused.value.problems] == ["batch_size"]


def test_a_method_says_for_each_data_set_whether_it_fits(context: Context) -> None:
    listed = list_methods(context, (GOLUB, BLADDER)).methods
    by_name = {one.method: one for one in listed}
    fits = [one.fits_any for one in listed]
    assert fits == sorted(fits, reverse=True)
    assert [fit.dataset for fit in by_name["batch-check"].fits] == [GOLUB, BLADDER]
    assert [fit.fits for fit in by_name["batch-check"].fits] == [False, True]
    assert all(fit.reason and " --" not in fit.reason for one in listed for fit in one.fits)
    assert [one.fits for one in list_methods(context, ()).methods] == [()] * len(listed)


def test_every_method_has_a_small_picture_and_all_together_stay_small(context: Context) -> None:
    """They are shown in a list, and travel in the wheel. `tools/gallery --small` makes them."""
    size = 0
    for one in list_methods(context, ()).methods:
        assert one.has_figure, one.method
        path = method_figure(context, one.method).content
        assert isinstance(path, Path)
        assert path.read_bytes().startswith(b"\x89PNG")
        size += path.stat().st_size
    assert size < 200_000


def test_one_method_in_full(context: Context) -> None:
    found = get_method(context, "de-continuous", (GOLUB,))
    assert found.needs
    assert found.references
    assert found.fits[0].fits
    with pytest.raises(InputError, match="no method"):
        get_method(context, "nothing", ())


def test_the_data_set_or_the_method_is_gone(context: Context) -> None:
    """Removed in another window while the panel stood open."""
    with pytest.raises(InputError) as refused:
        asked(context, (GOLUB, "removed"), "pca-overview")
    assert [(one.code, one.at) for one in refused.value.problems] == [("dataset_unknown", "removed")]
    with pytest.raises(InputError) as refused:
        asked(context, (GOLUB,), "removed")
    assert refused.value.code == "method_unknown"


def test_a_method_whose_notebook_was_removed_is_told(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uninstalled while the server ran."""
    templates = context.site.catalog.templates()
    lost = dataclasses.replace(templates["pca-overview"], path=Path("/nowhere/pca-overview.ipynb"))
    monkeypatch.setitem(templates, "pca-overview", lost)
    with pytest.raises(InputError, match="not there any more"):
        analyze(context, methods.Analyze(datasets=(GOLUB,), methods=("pca-overview",)))


def test_a_data_set_that_is_named_twice_is_analyzed_once(context: Context) -> None:
    assert asked(context, (GOLUB, f"{GOLUB}@1"), "pca-overview").tasks == 1
