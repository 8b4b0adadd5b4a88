"""`codalab-nb method …`: what can be done with data."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from codalab_nb.errors import InputError, Problem
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.text import duration, number
from codalab_nb.model.authoring import advice, reported
from codalab_nb.model.choices import check_parameters
from codalab_nb.model.dataset import KIND_WORDS
from codalab_nb.model.method import DATASET_PARAMETER, Method, Needs, Parameter, fits
from codalab_nb.site.catalog import Offer, missing_imports, read_template
from codalab_nb.site.site import Site


def show_all(args: argparse.Namespace, out: Output) -> int:
    with Site.open() as site:
        profile = site.catalog.dataset(args.dataset).profile if args.dataset else None
        offers = site.catalog.offers(profile)
    if out.json:
        out.object([as_json(offer) for offer in offers])
        return 0
    if profile is None:
        rows = [
            [o.template.method.name, o.template.method.title, o.reason or o.template.method.sentence] for o in offers
        ]
        out.table(("method", "title", "what it does"), rows)
        out.say("To see which fit your data: codalab-nb method list --for DATASET", "dim")
    else:
        ordered = sorted(offers, key=lambda offer: not offer.fits)
        out.table(
            ("method", "fits", "why"), [[o.template.method.name, "yes" if o.fits else "no", o.reason] for o in ordered]
        )
    return 0


def as_json(offer: Offer) -> dict[str, Any]:
    method = offer.template.method
    return {
        "method": method.name,
        "title": method.title,
        "fits": offer.fits,
        "reason": offer.reason,
        "sentence": method.sentence,
    }


def show(args: argparse.Namespace, out: Output) -> int:
    with Site.open() as site:
        template = site.catalog.template(args.method)
    method = template.method
    if out.json:
        out.object(method.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"path": str(template.path)})
        return 0
    out.data(f"{method.name}: {method.title}", "bold")
    out.prose(f"  {method.sentence}", hang="  ", talk=False)
    out.fields(
        [
            ("answers", method.question),
            ("needs", "\n".join(needs(method.needs))),
            ("parameters", "\n".join(f"-p {name}=…  {parameter(p)}" for name, p in method.parameters.items())),
            ("metrics", "\n".join(f"{metric.name}: {metric.title}" for metric in method.metrics)),
            ("score", method.measure),
            ("takes", f"usually {duration(method.usual_seconds)}" if method.usual_seconds else ""),
            ("read more", "\n".join(method.references)),
            ("notebook", str(template.path)),
        ],
        talk=False,
    )
    for module in missing_imports(method):
        out.warn(f"{module} is not installed here: pip install 'codalab-nb[analysis]'")
    return 0


def check(args: argparse.Namespace, out: Output) -> int:
    """Refuses what is wrong, advises on what is missing; with --run, also runs it and looks at what it reported."""
    path = Path(args.notebook)
    refusal, template = None, None
    try:
        template = read_template(path)
    except InputError as error:
        refusal = error
    tips = advice(_content(path), template.method if template else None, stem=path.stem) if path.is_file() else []
    if refusal is not None or template is None:
        if not out.json:
            out.problems(tips, "advice", "yellow")
        assert refusal is not None
        raise refusal
    method = template.method
    missing = missing_imports(method)
    code = 0
    if args.run and not missing:
        code, more = _run(path, method, args.run, out)
        tips += [tip for tip in more if tip not in tips]
    if out.json:
        told = {"method": method.name, "title": method.title, "ok": code == 0, "missing_imports": missing}
        out.object(told | {"advice": [asdict(tip) for tip in tips]})
        return code
    out.data(f"{args.notebook} is a method: {method.name}, {_parameters(method)}.")
    if missing:
        out.warn(f"Here it could not run: {', '.join(missing)} is not installed.")
    out.problems(tips, "advice", "yellow")
    if not args.run:
        out.say(f"To see what a run reports: codalab-nb method check {args.notebook} --run DATASET", "dim")
    return code


def _run(path: Path, method: Method, dataset: str, out: Output) -> tuple[int, list[Problem]]:
    """Runs the notebook on a data set as `analyze` would, and holds what it reported against its declaration."""
    with Site.open() as site:
        document = site.catalog.dataset(dataset)
        fit, why = fits(method, document.profile)
        if not fit:
            raise InputError(
                "method_misfit", f"{method.name} does not fit {document.reference}: {why}", "Name another."
            )
        values = check_parameters(method, document.profile, {})
        task = site.run(path, parameters=values, inputs={DATASET_PARAMETER: document.reference})
        out.say(f"Running it on {document.reference} …", "dim")
        started = time.monotonic()
        task.wait()
        seconds = time.monotonic() - started
        executed = _content(task.notebook) if task.notebook else {}
        if task.verdict != "succeeded":
            out.warn(f"It ended with {task.verdict}: codalab-nb logs {task.id[-8:]} shows why.")
            return 1, []
        out.say(f"It ran in {seconds:.1f} s and reported {len(task.metrics)} metrics.", "dim")
        return 0, reported(executed, method, list(task.metrics), seconds)


def _content(path: Path) -> dict[str, Any]:
    """The notebook as it stands, or an empty one if it cannot be read: what is wrong is told elsewhere."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _parameters(method: Method) -> str:
    return f"with the parameters {', '.join(method.parameters)}" if method.parameters else "without parameters"


def needs(needed: Needs) -> list[str]:
    told = []
    if needed.table != "any":
        told.append({"matrix": "an expression matrix (genes and samples)", "table": "a table"}[needed.table])
    if needed.kinds:
        told.append(f"values: {' or '.join(KIND_WORDS[kind] for kind in needed.kinds)}")
    told += [f"the {role} of each sample" for role in needed.roles]
    if needed.min_groups:
        told.append(f"{needed.min_groups} or more groups of {needed.min_per_group} or more samples")
    if needed.min_samples:
        told.append(f"{needed.min_samples} or more samples")
    if needed.min_features:
        told.append(f"{needed.min_features} or more genes")
    return told or ["nothing special"]


def parameter(declared: Parameter) -> str:
    """Title, type, range and default in one line."""
    bounds = [
        f"{word} {number(value)}"
        for word, value in (("from", declared.minimum), ("to", declared.maximum))
        if value is not None
    ]
    source = "chosen from the data set" if declared.choices_from else ""
    choices = ", ".join(map(str, declared.enum)) or source
    default = "" if declared.default in (None, "") else f"default {declared.default}"
    details = "; ".join(filter(None, (declared.type, " ".join(bounds), choices, default)))
    return f"{declared.title} ({details})"
