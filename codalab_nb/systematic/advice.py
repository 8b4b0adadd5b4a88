"""What to try on a data set, and why: for whoever has to choose a method."""

from __future__ import annotations

import contextlib
import hashlib
import math
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from codalab_nb.errors import InputError
from codalab_nb.model.choices import check_parameters
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.method import Method
from codalab_nb.site.requests import Options
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task
from codalab_nb.systematic import identity
from codalab_nb.systematic.configuration import Configuration, configure, parse_key
from codalab_nb.systematic.evidence import Evidence
from codalab_nb.systematic.journal import Journal
from codalab_nb.systematic.knowledge import Knowledge, Known, Measured
from codalab_nb.systematic.recommend import Pick, Recommender
from codalab_nb.systematic.service_tasks import profile_draft, read_profile
from codalab_nb.systematic.similarity import FEWEST
from codalab_nb.systematic.view import Advice, Near, Recommended

_NO_EVIDENCE = "There is no evidence yet for data like these: simple and fast methods come first."
_ALONE = "Nothing that answers this question has been compared yet."
_UNKNOWN = "How it does beside the others is not known yet."


def recommend(site: Site, reference: str, *, k: int = 3, wait_s: float = 10.0) -> Advice:
    """Advice for one data set: at most `k` for each kind of question. Measures the data set first, if nobody has, and
    waits for that at most `wait_s`; without it, what is good elsewhere is recommended.

    Raises InputError(dataset_unknown), UnavailableError.
    """
    document = site.catalog.dataset(reference)
    journal = Journal(site.places.systematic)
    knowledge = Knowledge(site, journal)
    _measure(site, document, knowledge, wait_s)
    return _advise(site, document, knowledge, k)


def recommend_known(site: Site, references: Iterable[str], *, k: int = 3) -> dict[str, Advice]:
    """By reference as it was given, from what is known now; nothing is run. Raises as `recommend`."""
    documents = {reference: site.catalog.dataset(reference) for reference in references}
    if not documents:
        return {}
    knowledge = Knowledge(site, Journal(site.places.systematic))
    for document in documents.values():
        _measure(site, document, knowledge, 0.0)
    return {reference: _advise(site, document, knowledge, k) for reference, document in documents.items()}


def _measure(site: Site, document: DatasetDocument, knowledge: Knowledge, wait_s: float) -> None:
    """Puts the data set's meta-features into `knowledge`, where a profile task has found them, or does in time."""
    if document.reference in knowledge.measured:
        return
    task = identity.profile_id(identity.data_key(document))
    if site.ledger.get(task) is None:
        if wait_s <= 0:
            return
        with contextlib.suppress(InputError):  # sent by somebody else at the same moment
            site.submit([profile_draft(site, document, task=task, options=Options())])
    if wait_s > 0:
        with contextlib.suppress(TimeoutError):
            Task(site, task).wait(wait_s)
    site.fold(task)
    found = read_profile(site, task)
    if found is not None:
        knowledge.measured[document.reference] = Measured(found.features, found.sketches)


def _advise(site: Site, document: DatasetDocument, knowledge: Knowledge, k: int) -> Advice:
    fitting = {
        offer.template.method.name: offer.template.method
        for offer in site.catalog.offers(document.profile)
        if offer.fits
    }
    by_question: dict[str, list[Method]] = {}
    for method in fitting.values():
        by_question.setdefault(method.answers or method.name, []).append(method)
    seconds = knowledge.usual_seconds()
    found: list[Recommended] = []
    rests_on: set[str] = set()
    for question, methods in by_question.items():
        evidence = knowledge.evidence(question)
        chosen = [
            replace(one, seconds=_expected(one, seconds, fitting))
            for one in _compared(knowledge, evidence, document, question, methods, k)
        ]
        told = {parse_key(key).method for key in evidence.configurations}
        untold = [method for method in methods if method.name not in told]
        found += chosen + _untold(untold, question, seconds, bool(chosen))[: k - len(chosen)]
        rests_on |= set(evidence.datasets) if chosen else set()
    # Where something was compared first; then what is quick.
    scored = {one.question for one in found if one.score is not None}
    found.sort(key=lambda one: (one.question not in scored, _shortest(found, one.question)))
    return Advice(document.reference, tuple(found), len(rests_on), "" if rests_on else _NO_EVIDENCE)


def _expected(one: Recommended, seconds: Mapping[str, float], fitting: Mapping[str, Method]) -> float | None:
    method = fitting[one.method]
    return seconds.get(configure(method, one.parameters).key) or method.usual_seconds


def _shortest(found: Iterable[Recommended], question: str) -> tuple[float, str]:
    times = [one.seconds for one in found if one.question == question and one.seconds is not None]
    return min(times, default=math.inf), question


def _compared(
    knowledge: Knowledge,
    evidence: Evidence,
    document: DatasetDocument,
    question: str,
    methods: Iterable[Method],
    k: int,
) -> list[Recommended]:
    """From evidence; [] where there is none for methods that fit. What ran here with the best score comes first."""
    fitting = {method.name: method for method in methods}
    allowed = {key for key in evidence.configurations if _is_allowed(key, fitting, document)}
    if not allowed:
        return []
    seen = {key: one for key, one in knowledge.seen(document.reference, question).items() if key in allowed}
    recommender = _recommender(question, evidence)
    picks = recommender.recommend(
        knowledge.features(document.reference),
        seen={key: one.score for key, one in seen.items()},
        allowed=allowed,
        k=k,
    )
    found = [_picked(pick, fitting, question, evidence, document.reference) for pick in picks]
    ran = sorted((one for one in seen.values() if math.isfinite(one.score)), key=lambda one: -one.score)
    here = [_seen(one, place, fitting, question, len(ran)) for place, one in enumerate(ran, start=1)]
    found = [*here[:1], *found, *here[1:]][:k]
    # One that was compared with nothing, or on a handful of data sets, is no better than its neighbours on the list.
    if found and len(allowed) > 1 and (len(ran) > 1 or len(evidence) >= FEWEST):
        found[0] = replace(found[0], badge=True)
    return found


def _is_allowed(key: str, fitting: Mapping[str, Method], document: DatasetDocument) -> bool:
    """Whether its values can be given here: one may name a column or a group of the data set it did well on."""
    configuration = parse_key(key)
    given = configuration.parameters
    method = fitting.get(configuration.method)
    if method is None or not given.keys() <= method.parameters.keys():
        return False
    try:
        check_parameters(method, document.profile, given)
    except InputError as error:  # what a person has still to say is no reason not to name it
        return not any(problem.at in given for problem in error.problems)
    return True


def _picked(pick: Pick, fitting: Mapping[str, Method], question: str, evidence: Evidence, here: str) -> Recommended:
    method = fitting[parse_key(pick.configuration).method]
    near = tuple(Near(one.dataset, one.score, one.place, one.of) for one in pick.neighbours if one.dataset != here)
    measure = method.measure or "score"
    # An interval from few data sets may reach beyond what any run ever scored, as an accuracy of 1.1.
    scores = evidence.scores[np.isfinite(evidence.scores)]
    low, high = (min(max(at, float(scores.min())), float(scores.max())) for at in (pick.low, pick.high))
    if pick.runs == 1:
        why = f"On one other data set it reached {pick.score:.2f} in {measure}."
    else:
        reached = f"about {pick.score:.2f} ({low:.2f} to {high:.2f})"
        why = f"On {pick.runs} other data sets it reached {reached} in {measure}."
    if near and near[0].of > 1:
        first = near[0]
        shares = [one.share for one in pick.neighbours if one.dataset != here]
        # Where nothing is known of what makes data alike, all have the same share, and none is the most similar.
        which = "the most similar" if len(shares) == 1 or shares[0] > 1.001 * shares[1] else "one of them"
        why += f" On {_called(first.dataset)}, {which}, it came {_place(first.place)} of {first.of}."
    one = _named(parse_key(pick.configuration), method, question)
    return replace(one, why=why, score=pick.score, low=low, high=high, runs=pick.runs, near=near)


def _seen(run: Known, place: int, fitting: Mapping[str, Method], question: str, tried: int) -> Recommended:
    method = fitting[parse_key(run.configuration).method]
    why = f"It ran on this very data set and reached {run.score:.2f} in {method.measure or 'score'}"
    if tried == 1:
        why += "; nothing else was tried here yet."
    else:
        why += f", the best of {tried} that were tried." if place == 1 else f", number {place} of {tried}."
    one = _named(parse_key(run.configuration), method, question)
    return replace(one, why=why, score=run.score, low=run.score, high=run.score, runs=1)


def _untold(methods: Iterable[Method], question: str, seconds: Mapping[str, float], beside: bool) -> list[Recommended]:
    """Without evidence: what fits, quick ones first. `beside`: others of that question have some."""
    unknown = _UNKNOWN if beside else _ALONE
    found = []
    for method in methods:
        one = _named(configure(method, {}), method, question)
        usual = seconds.get(method.name) or method.usual_seconds
        why = f"It fits, and takes about {usual:.0f} s. {unknown}" if usual else f"It fits. {unknown}"
        found.append(replace(one, why=why, seconds=usual))
    return sorted(found, key=lambda one: (one.seconds or math.inf, one.method))


def _named(configuration: Configuration, method: Method, question: str) -> Recommended:
    return Recommended(
        method=method.name,
        title=method.title,
        parameters=dict(configuration.parameters),
        words=configuration.words,
        question=question,
        measure=method.measure,
        why="",
        badge=False,
    )


def _called(dataset: str) -> str:
    """A reader looks in vain for what is in nobody's catalogue."""
    return dataset if "@" in dataset else f"{dataset} (comes with the project)"


def _place(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")


# --- what was worked out before, in this process: to learn takes a second, and the same rows teach the same

_made: dict[str, tuple[str, Recommender]] = {}
_making = threading.Lock()


def _recommender(question: str, evidence: Evidence) -> Recommender:
    known_by = _fingerprint(evidence)
    with _making:
        made = _made.get(question)
        if made is None or made[0] != known_by:
            made = known_by, Recommender(evidence)
            _made[question] = made
        return made[1]


def _fingerprint(evidence: Evidence) -> str:
    digest = hashlib.sha256(repr((evidence.datasets, evidence.families, evidence.configurations)).encode())
    for values in (evidence.scores, evidence.seconds, evidence.features):
        digest.update(values.tobytes())
    return digest.hexdigest()
