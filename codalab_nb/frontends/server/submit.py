"""Analyze: data sets × methods as one batch, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from codalab_nb.errors import InputError, Problem, Problems
from codalab_nb.frontends.choosing.batch import Pair, drafts
from codalab_nb.frontends.choosing.several import for_each
from codalab_nb.frontends.choosing.words import plainly
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.form import given
from codalab_nb.frontends.server.methods import chosen_datasets, chosen_methods
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.wire import common, methods
from codalab_nb.model.design import meant
from codalab_nb.model.method import fits
from codalab_nb.settings import parse_duration, parse_size
from codalab_nb.site.catalog import Template
from codalab_nb.site.requests import Options

_T = TypeVar("_T")


@operation("analyze", slow=True)
def analyze(context: Context, body: methods.Analyze) -> methods.Submitted:
    site = context.site
    problems = Problems()
    documents = _or_problems(lambda: chosen_datasets(site, body.datasets), problems) or {}
    templates = _or_problems(lambda: chosen_methods(site, body.methods), problems) or {}
    options = options_of(body.limits, problems)
    problems.raise_if_any()
    _check_names(body, templates, problems)
    pairs: list[Pair] = []
    left_out = []
    for document in documents.values():
        for template in templates.values():
            fit, reason = fits(template.method, document.profile)
            if fit or not body.skip_unfit:
                pairs.append((document, template.method))
            else:
                told = f"Left out: {template.method.title} on {document.reference}. {reason}"
                left_out.append(plainly_told("left_out", told, at=document.reference))
    values = {
        name: for_each(
            template.method, [one for one, method in pairs if method.name == name], given(body, template.method)
        )
        for name, template in templates.items()
    }
    made = drafts(
        site, pairs, lambda one, method: values[method.name][one.reference], options, problems, sweep=body.sweep
    )
    tasks = site.submit(made)
    warnings = dict.fromkeys(warning for draft in made for warning in draft.warnings)
    told_warnings = (plainly_told(one.code, one.message, one.fix, one.at) for one in warnings)
    return methods.Submitted(
        batch=made[0].document.batch, tasks=tuple(task.id for task in tasks), warnings=(*left_out, *told_warnings)
    )


def options_of(limits: methods.Limits, problems: Problems) -> Options:
    """Limits as typed; empty means the site's own. Problems: timeout, memory."""
    timeout = _measured("timeout", "Time limit", limits.timeout, parse_duration, problems)
    memory = _measured("memory", "Memory limit", limits.memory, parse_size, problems)
    usual = Options()
    return Options(timeout_s=timeout, memory_bytes=memory, network=limits.network, pool=limits.pool or usual.pool)


def plainly_told(code: str, message: str, fix: str = "", at: str | None = None) -> common.Problem:
    one = plainly(Problem(code, message, fix, at))
    return common.Problem(code=one.code, message=one.message, fix=one.fix, at=one.at)


def _measured(code: str, title: str, text: str | None, read: Callable[[object], _T], problems: Problems) -> _T | None:
    if text is None or not text.strip():
        return None
    try:
        return read(text)
    except ValueError as error:
        problems.add(code, f"{title}: {error}.", at=code)
        return None


def _or_problems(find: Callable[[], _T], problems: Problems) -> _T | None:
    try:
        return find()
    except InputError as error:
        problems.take(error)
        return None


def _check_names(body: methods.Analyze, templates: Mapping[str, Template], problems: Problems) -> None:
    """A value that no chosen method takes is a slip that nobody would notice."""
    known = {name: list(template.method.parameters) for name, template in templates.items()}
    everywhere = sorted({parameter for parameters in known.values() for parameter in parameters})
    asked = [(name, everywhere) for name in body.shared]
    asked += [(name, known[method]) for method, values in body.own.items() if method in known for name in values]
    for key in body.sweep:
        method, dot, name = key.rpartition(".")
        asked.append((name, known.get(method, []) if dot else everywhere))
    for name, there in asked:
        if name not in there:
            told = f"There is no setting {name!r}.{meant(name, there)}"
            problems.add("param_unknown", told, f"There are: {', '.join(there) or 'none'}.", at=name)
