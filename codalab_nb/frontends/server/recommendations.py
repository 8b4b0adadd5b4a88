"""What is recommended for a data set, and why."""

from __future__ import annotations

from types import ModuleType

from codalab_nb.errors import InputError, UnavailableError
from codalab_nb.frontends.choosing.words import plain
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.methods import INSTALL, chosen_datasets
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.wire.methods import Recommendation
from codalab_nb.frontends.server.wire.systematic import Advice, AdviceList
from codalab_nb.systematic import view

_MOST = 100  # data sets in one request


@operation("recommend", slow=True)
def recommend(context: Context, dataset: str | None) -> Advice:
    """Waits some seconds for the profile of a data set that has none yet; goes on without it then."""
    if dataset is None:
        raise InputError("request", "Which data set? `dataset` is missing.", "Ask for ?dataset=NAME or NAME@VERSION.")
    reference = context.site.catalog.dataset(dataset).reference
    return _told(context, _advice().recommend(context.site, reference))


@operation("recommendKnown", slow=True)
def recommend_known(context: Context, dataset: tuple[str, ...]) -> AdviceList:
    if len(dataset) > _MOST:
        raise InputError("too_large", f"At most {_MOST} data sets at once, not {len(dataset)}.", "Ask in parts.")
    references = [document.reference for document in chosen_datasets(context.site, dataset).values()]
    if not references:
        return AdviceList(advice=())
    found = _advice().recommend_known(context.site, references)
    return AdviceList(advice=tuple(_told(context, found[one]) for one in references if one in found))


def _advice() -> ModuleType:
    """Imported when it is first asked for, in the thread of a slow operation: it takes seconds."""
    try:
        from codalab_nb.systematic import advice
    except ModuleNotFoundError as error:
        raise UnavailableError(
            "recommender_missing", f"Recommendations need {error.name}, which is not installed.", INSTALL
        ) from error
    return advice


def _told(context: Context, advice: view.Advice) -> Advice:
    told = Advice(
        dataset=advice.dataset,
        recommended=tuple(
            Recommendation.model_validate(
                {"dataset": advice.dataset, **vars(one), "why": plain(one.why), "near": _near(one)}
            )
            for one in advice.recommended
        ),
        evidence=advice.evidence,
        note=plain(advice.note),
    )
    context.advised[advice.dataset] = told
    return told


def _near(one: view.Recommended) -> list[dict[str, object]]:
    return [vars(near) for near in one.near]
