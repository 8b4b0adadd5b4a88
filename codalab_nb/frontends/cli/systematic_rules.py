"""`codalab-nb systematic rule …`: rules added, listed, shown as they were added, removed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from codalab_nb.errors import InputError, Problems
from codalab_nb.frontends.cli import systematic_view as view
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.systematic import methods_of, tell_damaged
from codalab_nb.frontends.cli.text import count
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.method import Method
from codalab_nb.site.site import Site
from codalab_nb.systematic import control
from codalab_nb.systematic.rules import Rule, RuleBook, decode, parse_rule


def add(args: argparse.Namespace, out: Output) -> int:
    text = _read(args.file)
    with Site.open(serve=False) as site:
        methods = methods_of(site)
        _refuse(parse_rule(text), methods)
        rule = RuleBook(site.places.rules).add(text, replace=args.replace)
        datasets, on = site.catalog.datasets(), control.is_on(site.places)
    if out.json:
        out.object(as_json(rule, methods, datasets))
        return 0
    out.id(rule.name)
    selected = sum(map(rule.selects, datasets))
    asked = len(rule.configurations(methods))
    out.prose(
        f"The rule {rule.name} asks for {count(asked, 'configuration')} on each data set that it is about (now "
        f"{selected:,} of {len(datasets):,}), {view.budget(rule.budget)}."
    )
    if not on:
        out.say("Systematic analysis is off. To follow the rules: codalab-nb systematic start", "dim")
    return 0


def _read(name: str) -> str:
    try:
        return decode(Path(name).read_bytes(), name)
    except OSError as error:
        raise InputError("missing_file", f"{name} cannot be read: {error.strerror}.", "Check the path.") from error


def _refuse(rule: Rule, methods: dict[str, Method]) -> None:
    problems = Problems()
    problems.found += rule.problems(methods)
    problems.raise_if_any()


def show_all(_args: argparse.Namespace, out: Output) -> int:
    with Site.open(serve=False) as site:
        book, methods, datasets = RuleBook(site.places.rules), methods_of(site), site.catalog.datasets()
    rules, damaged = book.all(), book.damaged()
    if out.json:
        listed = [as_json(rule, methods, datasets) for rule in rules]
        out.object(
            [*listed, *({"rule": name, "problems": error.as_json()["errors"]} for name, error in damaged.items())]
        )
        return 0
    if rules:
        rows = [
            [
                rule.name,
                f"{rule.priority}",
                f"{sum(map(rule.selects, datasets)):,} of {len(datasets):,}",
                f"{len(rule.configurations(methods)):,}",
                view.budget(rule.budget),
                rule.description,
            ]
            for rule in rules
        ]
        out.table(("rule", "priority", "data sets", "configurations", "budget", "description"), rows)
    elif not damaged:
        out.say("There is no rule yet. `codalab-nb systematic start` adds a simple one.")
    for rule in rules:
        out.problems(rule.problems(methods), "left out", "yellow")
    tell_damaged(book, out)
    return 0


def show(args: argparse.Namespace, out: Output) -> int:
    """Exactly the text that was added, so that it can be kept, shared, and added again."""
    with Site.open(serve=False) as site:
        book = RuleBook(site.places.rules)
        text = book.text(args.rule)
        if not out.json:
            out.verbatim(text)
            return 0
        rule = book.get(args.rule)
        out.object(as_json(rule, methods_of(site), site.catalog.datasets()) | {"text": text})
    return 0


def remove(args: argparse.Namespace, out: Output) -> int:
    problems = Problems()
    gone = []
    with Site.open(serve=False) as site:
        book = RuleBook(site.places.rules)
        for name in dict.fromkeys(args.rules):
            try:
                book.remove(name)
                gone.append(name)
            except InputError as error:
                problems.take(error)
        left, on = book.names(), control.is_on(site.places)
    if out.json and not problems.found:
        out.object({"removed": gone})
    for name in gone:
        out.id(name)
    if gone:
        out.say("Removed. What the rule had run stays.", "dim")
    if gone and on and not left:
        out.say("No rule is left: systematic analysis is on, and nothing is asked for.")
    problems.raise_if_any()
    return 0


def as_json(rule: Rule, methods: dict[str, Method], datasets: list[DatasetDocument]) -> dict[str, Any]:
    """What it says, and what that means here and now."""
    return {
        "rule": rule.name,
        **rule.model_dump(mode="json", exclude={"name"}),
        "selected": [document.reference for document in datasets if rule.selects(document)],
        "configurations": [
            {"method": one.method, "parameters": dict(one.parameters)} for one in rule.configurations(methods)
        ],
        "problems": [{"code": one.code, "message": one.message, "fix": one.fix} for one in rule.problems(methods)],
    }
