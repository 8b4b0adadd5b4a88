"""How good a run of a method was, as one number that runs of methods with the same question are compared by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from codalab_nb.model.base import Document

LABEL_FREE = "repeatable discoveries (0 to 1)"  # what a score from a ranking is, in words


class Metric(Document):
    """A number the method reports. `better` is `none` where more is not better, as for a number of genes."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")]
    title: str
    better: Literal["higher", "lower", "none"] = "none"


class Score(Document):
    """Where the score of a run comes from, in one of two ways.

    metric: a reported metric is the score itself, as an accuracy on samples that were not seen.
    ranking, found: the method ranks; it is run again on halves of the samples and with shuffled labels. `ranking` is
    a reported table, surest row first, whose row names say what is ranked; `found` the metric that counts discoveries.
    """

    metric: str | None = None
    ranking: str | None = None
    found: str | None = None

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Score:
        natural = self.metric is not None and self.ranking is None and self.found is None
        label_free = self.metric is None and self.ranking is not None and self.found is not None
        if not natural and not label_free:
            given = ", ".join(name for name in ("metric", "ranking", "found") if getattr(self, name) is not None)
            raise ValueError(
                'either {"metric": NAME} or {"ranking": TABLE, "found": METRIC}; '
                + (f"given: {given}" if given else "nothing is given")
            )
        return self

    @property
    def is_label_free(self) -> bool:
        return self.ranking is not None


def score_faults(score: Score, metrics: Sequence[Metric]) -> list[str]:
    """What is wrong with naming these metrics, each in a sentence without its full stop."""
    known = {one.name: one for one in metrics}
    name = score.found if score.is_label_free else score.metric
    if name not in known:
        listed = ", ".join(known) or "none is declared"
        return [f"score names the metric {name!r}, which is not in metrics ({listed})"]
    if not score.is_label_free and known[name].better == "none":
        return [f'score names the metric {name!r}, of which metrics must say "better": "higher" or "lower"']
    return []


def in_words(score: Score, metrics: Sequence[Metric]) -> str:
    """The measure for people: `balanced accuracy`."""
    if score.is_label_free:
        return LABEL_FREE
    metric = next(one for one in metrics if one.name == score.metric)
    title = metric.title
    plain = title if title[1:2].isupper() else title[:1].lower() + title[1:]
    return f"{plain}, less is better" if metric.better == "lower" else plain
