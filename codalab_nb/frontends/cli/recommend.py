"""`codalab-nb recommend DATASET`: which methods to try on it, and why."""

from __future__ import annotations

import argparse

from codalab_nb.errors import InputError, Problems
from codalab_nb.frontends.cli import recommend_view as view
from codalab_nb.frontends.cli.output import Output
from codalab_nb.site.site import Site
from codalab_nb.systematic import advice
from codalab_nb.systematic.view import Advice

_MOST = 50


def recommend(args: argparse.Namespace, out: Output) -> int:
    with Site.open() as site:
        found = advised(site, args, out)
    if out.json:
        out.object(view.as_json(found))
    else:
        view.tell(found, out)
    return 0


def advised(site: Site, args: argparse.Namespace, out: Output) -> Advice:
    """What is asked for. Raises InputError with every problem, UnavailableError."""
    problems = Problems()
    k = _number(args.k, problems)
    try:
        reference = site.catalog.dataset(args.dataset).reference
    except InputError as error:
        problems.take(error)
    problems.raise_if_any()
    if out.live:
        out.say(f"Measuring {reference}, to compare it with data sets of which results are known …", "dim")
    return advice.recommend(site, reference, k=k)


def _number(text: str, problems: Problems) -> int:
    if text.isdecimal() and 0 < int(text) <= _MOST:
        return int(text)
    problems.add("usage", f"-k {text!r} is not a number from 1 to {_MOST}.", "-k 3")
    return 1
