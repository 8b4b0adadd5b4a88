"""`codalab-nb analyze`: data sets × methods × swept values, as one batch."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from codalab_nb.errors import InputError, Problems
from codalab_nb.frontends.cli import asking, summary
from codalab_nb.frontends.cli.batch_view import follow, tell
from codalab_nb.frontends.cli.exits import exit_code, short
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.text import count
from codalab_nb.site.requests import Draft
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Batch


def analyze(args: argparse.Namespace, out: Output) -> int:
    with Site.open() as site:
        batch = submitted(site, args, out)
        out.id(batch.id)
        for warning in dict.fromkeys(warning for task in batch for warning in task.document.warnings):
            out.warn(warning)
        if args.no_wait:
            if out.json:
                tasks = [
                    summary.open_json(task) | {"dataset": task.row.dataset, "method": task.row.method} for task in batch
                ]
                out.object({"batch": batch.id, "tasks": tasks})
            out.say(f"Submitted {count(len(batch), 'task')}. Follow them: codalab-nb status {short(batch.id)}", "dim")
            return 0
        follow(site, batch, out)
        if out.json:
            out.object(as_json(batch))
        else:
            tell(site, batch, out)
        return exit_code(task.verdict for task in batch)


def as_json(batch: Batch) -> dict[str, object]:
    """What `analyze --json` prints."""
    told = batch.as_json()
    for task, entry in zip(batch, told["tasks"], strict=True):
        entry["parameters"] = task.row.parameters
    return told


def submitted(site: Site, args: argparse.Namespace, out: Output) -> Batch:
    """Submits what the arguments ask for. Raises InputError with every slip; then nothing was queued."""
    problems = Problems()
    parameters = asking.method_parameters(args, problems)
    swept = asking.sweep(args, problems)
    options = asking.options(args, problems)
    if not args.methods:
        problems.add("usage", "No method is named.", f"Add -m METHOD.{_fitting(site, args.datasets)}")
    drafts: list[Draft] = []
    try:
        if args.methods:
            drafts = site.drafts(args.datasets, args.methods, parameters=parameters, sweep=swept, options=options)
    except InputError as error:
        problems.take(error)
    problems.found = list(dict.fromkeys(problems.found))  # a bad value is refused for each data set and combination
    problems.raise_if_any()
    batch = drafts[0].document.batch
    assert batch is not None
    different = _without_twins(drafts)
    if len(different) < len(drafts) and not out.json:
        twins = count(len(drafts) - len(different), "task")
        out.warn(f"Something is given twice: {twins} that would only repeat another one left out.")
    return Batch(site, batch, site.submit(different))


def _without_twins(drafts: Sequence[Draft]) -> list[Draft]:
    """Each combination of data set, method and values once, however often and in whatever spelling it was given."""
    found: dict[tuple[str | None, str | None, str], Draft] = {}
    for draft in drafts:
        document = draft.document
        values = json.dumps(document.parameters, sort_keys=True, default=str)
        found.setdefault((document.dataset, document.method, values), draft)
    return list(found.values())


def _fitting(site: Site, datasets: list[str]) -> str:
    try:
        profile = site.catalog.dataset(datasets[0]).profile
    except InputError:
        return ""
    names = [offer.template.method.name for offer in site.catalog.offers(profile) if offer.fits]
    return f" These fit {datasets[0]}: {', '.join(names) or 'none'}."
