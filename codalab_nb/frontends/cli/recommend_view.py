"""Recommendations in words and in JSON: best first within each kind of question, each with its reason."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import Any

from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.systematic_view import question, score
from codalab_nb.frontends.cli.text import count, duration
from codalab_nb.systematic.view import Advice, Near, Recommended


def tell(found: Advice, out: Output) -> None:
    known = f"from results on {count(found.evidence, 'data set')}" if found.evidence else "no results are known yet"
    out.data(f"{found.dataset}: what to try ({known})", "bold")
    if found.note:
        out.prose(f"  {found.note}", hang="  ", talk=False)
    if not found.recommended:
        out.say(f"  No method fits. Why: codalab-nb method list --for {found.dataset}")
        return
    groups: dict[str, list[Recommended]] = {}
    for one in found.recommended:
        groups.setdefault(one.question, []).append(one)
    for slug, group in groups.items():
        out.data()
        out.data(question(slug), "bold")
        for place, one in enumerate(group, 1):
            _tell_one(found.dataset, place, one, out)


def _tell_one(dataset: str, place: int, one: Recommended, out: Output) -> None:
    with_ = f", {one.words}" if one.words else ""
    out.data(f" {place}. {one.title}{with_}{'  [recommended]' if one.badge else ''}", "green" if one.badge else "")
    out.fields(
        [
            ("expected", expected(one)),
            ("takes", f"usually {duration(one.seconds)}" if one.seconds is not None else ""),
            ("why", one.why),
            ("nearest", "\n".join(map(near, one.near))),
        ],
        talk=False,
    )
    out.data(f"  {'run it':<11} {command(dataset, one)}")  # in one line, to be copied


def expected(one: Recommended) -> str:
    """`balanced accuracy 0.93, on most data sets 0.86 to 0.97 (12 data sets)`."""
    if one.score is None:
        return ""
    low, high = score(one.low), score(one.high)
    between = f", mostly {low} to {high}" if low != high else ""
    ran = f" ({count(one.runs, 'data set')})" if one.runs else ""
    return f"{one.measure or 'score'} {score(one.score)}{between}{ran}"


def near(other: Near) -> str:
    rank = "the best" if other.place == 1 else f"number {other.place}"
    return f"{other.dataset}: {score(other.score)}" + (f", {rank} of {other.of} that ran there" if other.of > 1 else "")


def command(dataset: str, one: Recommended) -> str:
    """What a person types to run it."""
    words = ["codalab-nb", "analyze", dataset, "-m", one.method]
    for name, value in one.parameters.items():
        words += ["-p", f"{name}={_spelled(value)}"]
    return shlex.join(words)


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_json(found: Advice) -> dict[str, Any]:
    told = [asdict(one) | {"command": command(found.dataset, one)} for one in found.recommended]
    return {"dataset": found.dataset, "evidence": found.evidence, "note": found.note, "recommended": told}
