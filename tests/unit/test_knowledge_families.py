"""Experience from a copy of a data set is no independent experience: families, as the knowledge of a site sees them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from codalab_nb.analysis.measure import content_sketch
from codalab_nb.analysis.meta_features import sketch
from codalab_nb.systematic.knowledge import Measured, _families


def measured(values: pd.DataFrame, family: str | None = None) -> Measured:
    sketches = {
        "samples": sketch(list(values.columns)),
        "features": sketch(list(values.index)),
        "content": content_sketch(values),
    }
    return Measured({}, sketches, family)


def values(seed: int) -> pd.DataFrame:
    """Genes and samples are called alike in all of them, as in many people's files."""
    numbers = np.random.default_rng(seed).normal(8, 2, size=(300, 20))
    return pd.DataFrame(numbers, [f"gene{i}" for i in range(300)], [f"S{i}" for i in range(20)])


def test_a_part_of_a_data_set_belongs_to_its_family() -> None:
    """Half of the samples under other names are still the same samples; what is only called alike is not tested here:
    by names of samples and genes together it counts as one, which errs on the careful side."""
    whole, strange = values(0), values(1).add_prefix("T")
    half = whole.iloc[:, :10].add_prefix("patient-")
    families = _families({"whole": measured(whole), "half": measured(half), "strange": measured(strange)})
    assert families["half"] == families["whole"] != families["strange"]


def test_families_that_come_along_stay_together() -> None:
    """What is shipped says itself what belongs together, and a person's own copy of a part joins all of it."""
    parts = {f"part-{i}": measured(values(i), "shipped") for i in range(3)}
    mine = measured(values(2).iloc[:, :8].add_prefix("mine-"))
    assert len(set(_families({**parts, "mine": mine}).values())) == 1
