"""Meta-features: the same names always, the same numbers whatever the order, and no failure on odd data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis.expression import EXAMPLES, ExpressionSet, load
from codalab_nb.analysis.meta_features import SKETCHED, meta_features, sketch


def made(values: np.ndarray, groups: list[object] | None = None, kind: str = "log") -> ExpressionSet:
    frame = pd.DataFrame(values, [f"g{i}" for i in range(values.shape[0])], [f"s{i}" for i in range(values.shape[1])])
    samples = pd.DataFrame(index=frame.columns)
    columns = []
    if groups is not None:
        samples["group"] = groups
        columns.append({"name": "group", "role": "condition"})
    profile = {"orientation": "genes_in_rows", "kind": kind, "columns": columns}
    return ExpressionSet("made", frame, pd.DataFrame(index=frame.index), samples, profile)


NAMES = list(meta_features(load(EXAMPLES / "golub_leukemia")))


def test_known_numbers_of_golub() -> None:
    """38 samples of 3,051 genes, 27 ALL and 11 AML; the first component holds 16.5 % of the variance."""
    found = meta_features(load(EXAMPLES / "golub_leukemia"))
    assert len(found) >= 30
    assert found["log_samples"] == pytest.approx(np.log10(39))
    assert found["log_smallest_group"] == pytest.approx(np.log10(11))
    assert found["component_1"] == pytest.approx(0.165, abs=5e-4)
    share = 11 / 38
    assert found["evenness"] == pytest.approx(-share * np.log2(share) - (1 - share) * np.log2(1 - share))


def test_the_tie_of_batch_and_groups_is_cramers_v() -> None:
    assert meta_features(load(EXAMPLES / "bladder_batch"))["batch_tied_to_groups"] == pytest.approx(0.743, abs=5e-4)


def test_the_order_of_samples_and_genes_changes_nothing() -> None:
    random = np.random.default_rng(0)
    values, groups = random.normal(size=(60, 12)), ["a", "b", "b"] * 4
    rows, columns = random.permutation(60), random.permutation(12)
    before = meta_features(made(values, groups))
    after = meta_features(made(values[rows][:, columns], [groups[i] for i in columns]))
    assert after == pytest.approx(before, nan_ok=True)


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        (np.full((5, 4), np.nan), ["a", "a", "b", "b"]),
        (np.ones((5, 4)), ["a", "a", "b", "b"]),
        (np.zeros((5, 4)), None),
        (np.arange(3.0)[:, None], ["a"]),
        (np.arange(3.0)[None, :], ["a", "b", "c"]),
        (np.empty((0, 4)), ["a", "a", "b", "b"]),
        (np.empty((3, 0)), []),
        (np.array([[1.0, np.nan, 3.0, -4.0]] * 2), ["a", None, "a", None]),
        (np.eye(6) * 1e300, ["a"] * 6),
    ],
    ids=["missing", "constant", "zero", "one sample", "one gene", "no gene", "no sample", "half named", "huge"],
)
def test_odd_data_have_the_same_names_and_no_infinity(values: np.ndarray, groups: list[object] | None) -> None:
    found = meta_features(made(values, groups))
    assert list(found) == NAMES
    assert not any(np.isinf(number) for number in found.values()), found


def test_a_sketch_shows_what_two_data_sets_share() -> None:
    names = [f"patient {i}" for i in range(500)]
    half = sketch(names[:250])
    assert len(half) == SKETCHED
    assert sketch(list(reversed(names))) == sketch(names)
    shared = set(half) & set(sketch(names))
    assert 0.3 < len(shared) / SKETCHED < 0.7
    assert not set(half) & set(sketch([f"other {i}" for i in range(250)]))
