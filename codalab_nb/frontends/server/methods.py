"""Methods as offered for the chosen data sets: which fit, why the others do not, how long they take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from codalab_nb.errors import InputError, Problems
from codalab_nb.frontends.choosing.fits import Fit, how_long, judged
from codalab_nb.frontends.choosing.thumbnails import thumbnail
from codalab_nb.frontends.choosing.words import plain
from codalab_nb.frontends.cli.method import needs
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import Download, operation
from codalab_nb.frontends.server.wire import methods
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.method import Method
from codalab_nb.site.catalog import Template, missing_imports
from codalab_nb.site.site import Site

INSTALL = "pip install 'codalab-nb[analysis]'"


@operation("listMethods")
def list_methods(context: Context, dataset: tuple[str, ...]) -> methods.MethodList:
    """Those that fit all chosen data sets first, then those that fit some; quick ones before slow ones.

    What is recommended is told as far as it is known: working it out must not hold up the list.
    """
    site = context.site
    chosen = chosen_datasets(site, dataset)
    if not chosen:
        known = (template.method for template in site.catalog.templates().values())
        found = sorted((Fit(method, {}) for method in known), key=lambda fit: how_long(fit.method))
    else:
        found = judged(site.catalog, chosen.items())
    badges = _badges(context, chosen.values())
    return methods.MethodList(methods=tuple(methods.MethodSummary(**_summary(fit, badges)) for fit in found))


@operation("getMethod")
def get_method(context: Context, method: str, dataset: tuple[str, ...]) -> methods.Method:
    site = context.site
    template = site.catalog.template(method)
    chosen = chosen_datasets(site, dataset)
    fits = judged(site.catalog, chosen.items())
    fit = next((one for one in fits if one.method.name == method), Fit(template.method, {}))
    return methods.Method(
        **_summary(fit, _badges(context, chosen.values())),
        needs=tuple(f"{words[0].upper()}{words[1:]}." for words in needs(template.method.needs)),
        metrics=tuple(
            methods.Metric(name=one.name, title=one.title, better=one.better) for one in template.method.metrics
        ),
        references=template.method.references,
        path=str(template.path),
    )


@operation("methodFigure")
def method_figure(context: Context, method: str) -> Download:
    path = thumbnail(context.site.catalog.template(method).method)
    if path is None:
        raise InputError("figure_unknown", f"There is no picture of {method}.", "")
    return Download(path, path.name, "image/png", inline=True)


def chosen_datasets(site: Site, references: tuple[str, ...]) -> dict[str, DatasetDocument]:
    """As they were named → the data set. Raises InputError with every one that is not there (any more)."""
    problems = Problems()
    found: dict[str, DatasetDocument] = {}
    for reference in dict.fromkeys(references):
        try:
            document = site.catalog.dataset(reference)
            if document not in found.values():  # NAME and NAME@2 may be the same
                found[reference] = document
        except InputError as error:
            for one in error.problems:
                problems.add(one.code, one.message, one.fix, at=reference)
    problems.raise_if_any()
    return found


def chosen_methods(site: Site, names: tuple[str, ...]) -> dict[str, Template]:
    """Raises InputError with every one that is not there (any more)."""
    problems = Problems()
    found: dict[str, Template] = {}
    for name in dict.fromkeys(names):
        try:
            found[name] = site.catalog.template(name)
        except InputError as error:
            for one in error.problems:
                problems.add(one.code, one.message, one.fix, at=name)
    problems.raise_if_any()
    return found


def _badges(context: Context, chosen: Iterable[DatasetDocument]) -> dict[str, list[methods.Recommendation]]:
    """Method → why it is the best of its kind, one for each chosen data set of which that is known."""
    found: dict[str, dict[str, methods.Recommendation]] = {}
    for document in chosen:
        advice = context.advised.get(document.reference)
        for one in advice.recommended if advice else ():
            if one.badge:
                found.setdefault(one.method, {}).setdefault(document.reference, one)
    return {method: list(each.values()) for method, each in found.items()}


def _summary(fit: Fit, badges: Mapping[str, Sequence[methods.Recommendation]]) -> dict[str, object]:
    method: Method = fit.method
    missing = missing_imports(method)
    return {
        "method": method.name,
        "title": method.title,
        "sentence": method.sentence,
        "question": method.question,
        "fits": tuple(
            methods.Fit(dataset=name, fits=fits, reason=plain(reason)) for name, (fits, reason) in fit.told.items()
        ),
        "fits_any": fit.anywhere,
        "missing": tuple(missing),
        "install": INSTALL if missing else "",
        "usual_seconds": method.usual_seconds,
        "has_figure": thumbnail(method) is not None,
        "recommended": tuple(badges.get(method.name, ())),
    }
