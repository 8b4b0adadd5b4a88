"""Nobody is told to try what would be refused: a configuration may name what only the data set it ran on has."""

from __future__ import annotations

import datetime as dt

import pytest

from codalab_nb.examples import example_folder
from codalab_nb.model.dataset import DatasetDocument, Profile
from codalab_nb.site.catalog import builtin_methods, read_template
from codalab_nb.systematic.advice import _is_allowed


def document(name: str) -> DatasetDocument:
    profile = Profile.model_validate_json((example_folder(name) / "profile.json").read_bytes())
    return DatasetDocument(name=name, version=1, files=(), profile=profile, created_at=dt.datetime.now(dt.UTC))


@pytest.mark.parametrize(
    ("key", "golub", "bladder"),
    [
        ("de-continuous", True, True),
        ('de-continuous adjust_for="batch"', False, True),
        ("de-continuous alpha=0.1", True, True),
        ("de-continuous alpha=7", False, False),
        ("de-continuous gone=1", False, False),
        ("heat-map", False, False),
    ],
)
def test_values_must_be_possible_here(key: str, golub: bool, bladder: bool) -> None:
    """A column called batch is in one of the two; 7 is no share anywhere; other methods do not fit."""
    fitting = {"de-continuous": read_template(builtin_methods() / "de-continuous.ipynb").method}
    assert _is_allowed(key, fitting, document("golub_leukemia")) is golub
    assert _is_allowed(key, fitting, document("bladder_batch")) is bladder
