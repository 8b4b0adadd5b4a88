"""Data sets that come with the project, to be tried with one click."""

from __future__ import annotations

from functools import lru_cache

from codalab_nb import examples
from codalab_nb.frontends.choosing.words import size
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.wire import datasets
from codalab_nb.model.dataset import DatasetDocument, Profile
from codalab_nb.site.site import Site

# Name → what it is called, and one sentence on it. The first is the one to begin with.
EXAMPLES: dict[str, tuple[str, str]] = {
    examples.GOLUB: (
        "Two kinds of leukemia",
        "Bone marrow of 38 patients on microarrays: which genes tell acute lymphoblastic from acute myeloid leukemia? "
        "(Golub et al. 1999)",
    ),
    "leukemia_armstrong": (
        "Leukemia with an MLL rearrangement",
        "24 patients with acute lymphoblastic leukemia and 24 with an MLL rearrangement, with gene symbols for "
        "pathways. (Armstrong et al. 2002)",
    ),
    "bladder_batch": (
        "Bladder cancer in five batches",
        "57 samples measured in five batches: how much of the difference is the cancer, how much the batch? "
        "(Dyrskjøt et al. 2004)",
    ),
    "made_up_counts": ("Read counts", "Made up: counts of reads in two groups, to see what is done with counts."),
    "made_up_dose": ("Doses of a drug", "Made up: a response at growing doses, to see a dose-response curve."),
    "made_up_survival": ("Survival of patients", "Made up: times until an event in two arms, to see survival curves."),
}


@operation("listExamples")
def list_examples(context: Context) -> datasets.ExampleList:
    known = {document.name for document in context.site.catalog.datasets()}
    return datasets.ExampleList(
        examples=tuple(
            datasets.Example(name=name, title=title, sentence=sentence, shape=size(_profile(name)), added=name in known)
            for name, (title, sentence) in EXAMPLES.items()
        )
    )


def add_example(site: Site, name: str) -> DatasetDocument:
    """The newest version where it is there already: a person may have answered questions about it."""
    if name in {document.name for document in site.catalog.datasets()}:
        return site.catalog.dataset(name)
    folder, profile = examples.example_folder(name), _profile(name)
    assert profile.matrix is not None
    samples = folder / profile.samples.path if profile.samples else None
    return site.add_dataset(folder / profile.matrix.path, samples=samples, name=name)


@lru_cache
def _profile(name: str) -> Profile:
    return Profile.model_validate_json((examples.example_folder(name) / "profile.json").read_bytes())
