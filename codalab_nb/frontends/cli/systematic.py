"""`codalab-nb systematic start|status|stop`: whether it runs what the rules ask for, and what is known so far."""

from __future__ import annotations

import argparse

from codalab_nb.errors import InputError, Problems
from codalab_nb.frontends.cli import systematic_view as view
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.text import count
from codalab_nb.model.method import Method
from codalab_nb.model.task import Priority
from codalab_nb.site.site import Site
from codalab_nb.systematic import control
from codalab_nb.systematic.rules import Rule, RuleBook
from codalab_nb.systematic.view import CellState, Matrix, Status

USUAL_ROWS = 50


def start(_args: argparse.Namespace, out: Output) -> int:
    with Site.open() as site:
        book = RuleBook(site.places.rules)
        was_on = control.is_on(site.places)
        added = control.start(site)
        rules, methods = book.all(), methods_of(site)
        datasets = len(site.catalog.datasets())
        if out.json:
            names = [rule.name for rule in rules]
            out.object({"on": True, "was_on": was_on, "added": names if added else [], "rules": names})
            return 0
        out.say(f"Systematic analysis is {'on already' if was_on else 'on'}.", "bold")
        if added:
            out.prose(f"There was no rule, so one was added: {', '.join(rule.name for rule in rules)}.")
        if datasets:
            out.prose(
                "While nobody waits for this machine, it runs what the rules ask for, a few tasks at a time, and keeps "
                "the scores; what you start yourself comes first. It goes on after a restart, with the next command."
            )
        else:
            out.prose("There is no data set yet. Once you add one, it is analysed by itself, as the rules say.")
        _tell_rules(rules, methods, book, out)
        out.fields(
            [
                ("look", "codalab-nb systematic status --matrix"),
                ("what to try", "codalab-nb recommend DATASET"),
                ("stop", "codalab-nb systematic stop"),
            ]
        )
    return 0


def _tell_rules(rules: list[Rule], methods: dict[str, Method], book: RuleBook, out: Output) -> None:
    for rule in rules:
        what = rule.description or "rule without a description"
        out.prose(f"  {rule.name}: {what}, {view.budget(rule.budget)}.", hang="    ")
        out.problems(rule.problems(methods), "left out", "yellow")
    tell_damaged(book, out)


def tell_damaged(book: RuleBook, out: Output) -> None:
    for name, error in book.damaged().items():
        out.warn(f"The rule {name} is not followed, it cannot be read: {error.message} {error.fix}")


def methods_of(site: Site) -> dict[str, Method]:
    return {name: template.method for name, template in site.catalog.templates().items()}


def stop(_args: argparse.Namespace, out: Output) -> int:
    with Site.open(serve=False) as site:
        was_on = control.is_on(site.places)
        control.stop(site)
        going = [row for row in site.ledger.open_tasks() if row.priority is Priority.BACKGROUND]
    if out.json:
        out.object({"on": False, "was_on": was_on, "open": [row.id for row in going]})
        return 0
    out.say("Systematic analysis is off." if was_on else "Systematic analysis was off already.")
    if going:
        out.prose(
            f"{count(len(going), 'task')} that it had sent {'goes' if len(going) == 1 else 'go'} on to the end; "
            "nothing more is sent. To end one: codalab-nb cancel TASK; codalab-nb status --background lists them."
        )
    if was_on:
        out.say("All results, scores and rules stay. On again: codalab-nb systematic start", "dim")
    return 0


def status(args: argparse.Namespace, out: Output) -> int:
    limit = _rows(args)
    with Site.open() as site:
        wanted = [site.catalog.dataset(args.why).reference] if args.why else []
        found = control.status(site)
        if found.on and not found.working:  # the background process goes away when nobody needs it, or was killed
            site.keep_serving()
        matrix = _matrix(site, args.question, limit if limit or out.json else USUAL_ROWS) if args.matrix else None
        why = control.matrix(site, datasets=wanted) if wanted else None
        if out.json:
            told = view.status_json(found)
            told |= {"matrix": view.matrix_json(matrix)} if matrix is not None else {}
            told |= {"why": view.matrix_json(why)} if why is not None else {}
            out.object(told)
            return 0
        if not args.why:
            view.tell(found, out)
            tell_damaged(RuleBook(site.places.rules), out)
        if matrix is not None:
            view.tell_matrix(matrix, out)
        if why is not None:
            view.tell_why(why, out)
        _tell_next(found, out, looked=bool(args.matrix or args.why))
    return 0


def table(site: Site, args: argparse.Namespace) -> Matrix:
    """What `--matrix` asks for. Raises InputError with every problem."""
    return _matrix(site, args.question, _rows(args) or USUAL_ROWS)


def _rows(args: argparse.Namespace) -> int | None:
    """How many data sets are asked for, if that was said. Raises InputError with every problem."""
    problems = Problems()
    limit = _limit(args.limit, problems)
    if args.question is not None and not args.matrix:
        problems.add("usage", "--question is about the table.", "Say --matrix, too.")
    problems.raise_if_any()
    return limit


def _matrix(site: Site, question: str | None, limit: int | None) -> Matrix:
    matrix = control.matrix(site, question=question, limit=limit)
    if question is not None and not matrix.columns:
        known = {one.method.answers for one in site.catalog.templates().values()} - {None}
        raise InputError(
            "question_unknown",
            f"No method answers the kind of question {question!r}.",
            f"There are: {', '.join(sorted(map(str, known)))}.",
        )
    return matrix


def _tell_next(found: Status, out: Output, *, looked: bool) -> None:
    if not found.on:
        out.say("Switch it on: codalab-nb systematic start", "dim")
    elif not looked and found.counts.get(CellState.DONE):
        out.say("The table: codalab-nb systematic status --matrix", "dim")


def _limit(text: str | None, problems: Problems) -> int | None:
    if text is None or (text.isdecimal() and int(text) > 0):
        return None if text is None else int(text)
    problems.add("usage", f"--limit {text!r} is not a number of data sets.", "--limit 100")
    return None
