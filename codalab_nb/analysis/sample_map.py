"""A map of many samples or cells (t-SNE), the groups on it, and whether neighbours are of one kind.

t-SNE: van der Maaten L, Hinton G (2008) Visualizing data using t-SNE, J Mach Learn Res 9:2579-2605, by scikit-learn.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

from codalab_nb.analysis.clustering import most_variable
from codalab_nb.analysis.expression import AnalysisError

# In a sandbox cores cannot be counted, of which joblib complains at length on standard error. It is told beforehand.
_counted: Any = import_module("joblib.externals.loky.backend.context")
_counted.physical_cores_cache = _counted.physical_cores_cache or os.cpu_count() or 1

Floats = npt.NDArray[np.float64]
FEWEST, MOST = 30, 30_000  # samples: below, a map by principal components says more; above, this takes too long
NEIGHBOURS = 10


@dataclass(frozen=True)
class SampleMap:
    """places: samples × (x, y), without units. components: samples × principal components, which the map, the groups
    and the neighbours were computed from. n_genes used; n_left_out had missing values or did not vary."""

    places: pd.DataFrame
    components: pd.DataFrame
    n_genes: int
    n_left_out: int
    perplexity: float


def usual_seconds(n_samples: int) -> float:
    """About how long the map takes on one core of a laptop."""
    return max(1.0, n_samples * math.log2(max(n_samples, 2)) / 1500)


def sample_map(
    values: pd.DataFrame, *, top_genes: int = 2000, n_components: int = 30, perplexity: float = 30.0, seed: int = 0
) -> SampleMap:
    """Map of the samples (columns of `values`, on a logarithmic scale) by their most variable genes.

    The same values and seed give the same map, in whatever order samples and genes stand. A perplexity too large for
    so few samples is lowered to a third of them. Raises AnalysisError for fewer than 30 or more than 30,000 samples.
    """
    n = values.shape[1]
    if n < FEWEST:
        raise AnalysisError(f"A map needs {FEWEST} samples or more; there are {n}. Use the PCA overview instead.")
    if n > MOST:
        raise AnalysisError(f"{n:,} samples are too many for this map (at most {MOST:,}); take a random part of them.")
    chosen, n_usable = most_variable(values.sort_index(), top_genes)
    matrix = chosen.to_numpy(np.float64)
    # t-SNE magnifies the last digit; samples therefore enter in an order that depends on their values only.
    order = np.array(sorted(range(n), key=lambda sample: matrix[:, sample].tobytes()), np.intp)
    components = _components(matrix[:, order], min(n_components, n - 1, len(matrix)))
    perplexity = min(perplexity, (n - 1) / 3)
    with threadpool_limits(limits=1):  # sums are the same on every machine, and threads never wait for a busy core
        found = TSNE(perplexity=perplexity, init="pca", random_state=seed, n_jobs=1).fit_transform(components)
    back = np.argsort(order)
    return SampleMap(
        pd.DataFrame(found[back], index=values.columns, columns=["x", "y"], dtype=np.float64),
        pd.DataFrame(components[back], index=values.columns).rename(columns=lambda number: f"PC{number + 1}"),
        len(chosen),
        len(values) - n_usable,
        perplexity,
    )


def _components(matrix: Floats, n: int) -> Floats:
    """Scores of the samples on the first components, from the smaller of the two matrices of products."""
    centred = matrix - matrix.mean(axis=1, keepdims=True)
    if len(matrix) <= matrix.shape[1]:
        _, axes = np.linalg.eigh(centred @ centred.T)
        axes = axes[:, ::-1][:, :n]
    else:
        power, vectors = np.linalg.eigh(centred.T @ centred)
        power, vectors = power[::-1][:n], vectors[:, ::-1][:, :n]
        axes = centred @ vectors / np.sqrt(np.maximum(power, 1e-300))
    sign = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return np.asarray((centred.T @ axes) * sign)


def find_groups(found: SampleMap, n_groups: int = 0, seed: int = 0) -> tuple[pd.Series, float]:
    """Groups of samples by k-means on the components, largest first (`group 1`, …), and their silhouette.

    0 groups: the number from 2 to 10 with the best silhouette (−1 to 1; on a part of many samples).
    """
    table = found.components.sort_values(list(found.components.columns))
    points = table.to_numpy(np.float64)
    best: tuple[float, npt.NDArray[np.int32]] | None = None
    for k in [n_groups] if n_groups else range(2, min(10, len(points) // 3) + 1):
        with threadpool_limits(limits=1):
            labels = KMeans(k, n_init=10, random_state=seed).fit(points).labels_
        score = silhouette_score(points, labels, sample_size=min(2000, len(points)), random_state=seed)
        if best is None or score > best[0] + 1e-9:
            best = float(score), labels
    assert best is not None
    sizes = pd.Series(best[1]).value_counts()
    number = {label: place + 1 for place, label in enumerate(sizes.index)}
    groups = pd.Series([f"group {number[label]}" for label in best[1]], index=table.index, name="found group")
    return groups.loc[found.places.index], best[0]


def same_neighbours(components: pd.DataFrame, groups: pd.Series, seed: int = 0) -> tuple[float, float]:
    """Of a sample's ten nearest neighbours, the share of its own group, and what chance alone would give.

    Mean over all samples with a group, or over 2,000 of them. Both 0 to 1.
    """
    known = np.flatnonzero(groups.notna().to_numpy())
    labels = groups.to_numpy()[known]
    points = components.to_numpy(np.float64)[known]
    asked = np.arange(len(points))
    if len(points) > 2000:
        asked = np.sort(np.random.default_rng(seed).choice(len(points), 2000, replace=False))
    k = min(NEIGHBOURS, len(points) - 1)
    same = []
    for start in range(0, len(asked), 250):
        part = asked[start : start + 250]
        distance = cdist(points[part], points)
        distance[np.arange(len(part)), part] = np.inf
        nearest = np.argpartition(distance, k - 1, axis=1)[:, :k]
        same.append((labels[nearest] == labels[part, None]).mean(axis=1))
    counts = pd.Series(labels).value_counts().to_numpy(np.float64)
    chance = float(np.sum(counts * (counts - 1)) / (len(points) * (len(points) - 1)))
    return float(np.concatenate(same).mean()), chance
