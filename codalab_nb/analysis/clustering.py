"""Which samples, and which genes, behave alike: trees, groups cut from them, and how well groups agree.

Trees by scipy's agglomerative clustering. Agreement: Hubert L, Arabie P (1985) Comparing partitions, Journal of
Classification 2:193-218. Silhouette: Rousseeuw PJ (1987) J Comput Appl Math 20:53-65.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist, squareform

from codalab_nb.analysis.expression import AnalysisError
from codalab_nb.analysis.qc import refuse_empty

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
DISTANCES = ("correlation", "euclidean")
LINKAGES = ("average", "complete", "ward")
MOST_SAMPLES = 5000  # all pairs of more need too much memory, and a tree of them cannot be read


@dataclass(frozen=True)
class Tree:
    """links: scipy's linkage matrix over the rows given. order: the rows as the leaves stand, left to right.
    groups: the group of each row, numbered from 1 as they stand. silhouette: −1 to 1, NaN for a single group."""

    links: Floats
    order: Places
    groups: pd.Series
    silhouette: float


@dataclass(frozen=True)
class Clustering:
    """values: the genes used × all samples, in the units given. standard: the same, each gene with mean 0 and
    standard deviation 1. n_genes had no missing value and varied; n_left_out did not, n_incomplete of them for a
    missing value."""

    values: pd.DataFrame
    standard: pd.DataFrame
    samples: Tree
    genes: Tree
    distance: str
    method: str
    n_genes: int
    n_left_out: int
    n_incomplete: int

    @property
    def lone(self) -> list[str]:
        """Samples that form a group of their own."""
        groups = self.samples.groups
        return [str(name) for name in groups.index[~groups.duplicated(keep=False)]] if groups.nunique() > 1 else []

    def groups_without_lone(self) -> pd.Series:
        """The tree cut into as many groups of two or more samples: the group of each sample, NaN where it stays alone.

        A sample that stands apart takes a group for itself and hides how the others group. Where the tree has not so
        many such groups, those of the first cut.
        """
        tree = self.samples
        wanted = tree.groups.nunique()
        first = tree.groups.where(tree.groups.duplicated(keep=False))
        for n_groups in range(wanted + 1, len(tree.groups)):
            cut = pd.Series(fcluster(tree.links, n_groups, "maxclust"), index=tree.groups.index, name="cluster")
            left = cut.where(cut.duplicated(keep=False))
            if left.nunique() >= wanted:
                return left
        return first


def cluster(
    values: pd.DataFrame,
    *,
    top_genes: int = 200,
    distance: str = "correlation",
    method: str = "average",
    sample_groups: int = 2,
    gene_groups: int = 4,
) -> Clustering:
    """Clusters samples (columns) by the most variable genes as they are, and these genes by their pattern.

    Genes with a missing value, and constant ones, are left out. Raises AnalysisError when too little is left.
    """
    if distance not in DISTANCES or method not in LINKAGES:
        raise AnalysisError(f"Known distances: {', '.join(DISTANCES)}; known linkages: {', '.join(LINKAGES)}.")
    if method == "ward" and distance != "euclidean":
        raise AnalysisError("Ward's linkage is defined for Euclidean distances: set `distance` to euclidean.")
    n = values.shape[1]
    if n < 4:
        raise AnalysisError(f"A tree of samples needs four or more; there are {n}.")
    if n > MOST_SAMPLES:
        raise AnalysisError(f"{n:,} samples are too many for a tree (at most {MOST_SAMPLES:,}); use a map of samples.")
    chosen, n_usable = most_variable(values, top_genes)
    matrix = chosen.to_numpy(np.float64)
    standard = (matrix - matrix.mean(axis=1, keepdims=True)) / matrix.std(axis=1, ddof=1, keepdims=True)
    # Branches may be turned at will. Turned along the main direction in the data, neighbours are alike, and the
    # drawing does not depend on the order of the file.
    left, _, right = np.linalg.svd(standard, full_matrices=False)
    sign = np.sign(left[np.abs(left[:, 0]).argmax(), 0])
    samples = _tree(pd.DataFrame(matrix.T, index=values.columns), distance, method, sample_groups, sign * right[0])
    genes = _tree(pd.DataFrame(standard, index=chosen.index), distance, method, gene_groups, sign * left[:, 0])
    frame = pd.DataFrame(standard, index=chosen.index, columns=chosen.columns)
    left_out, incomplete = len(values) - n_usable, int(values.isna().any(axis=1).sum())
    return Clustering(chosen, frame, samples, genes, distance, method, n_usable, left_out, incomplete)


def most_variable(values: pd.DataFrame, n: int) -> tuple[pd.DataFrame, int]:
    """The `n` complete genes of largest variance (0: all), and how many there were. Raises AnalysisError under 2."""
    refuse_empty(values)
    complete = values.dropna(axis=0)
    matrix = complete.to_numpy(np.float64)
    spread = matrix.std(axis=1, ddof=1) if len(matrix) else np.empty(0)
    usable = np.flatnonzero(spread > 1e-12 * np.abs(matrix).max(axis=1, initial=1e-300))
    if len(usable) < 2:
        raise AnalysisError(
            f"Fewer than two genes vary and have no missing value ({len(values) - len(complete):,} of {len(values):,} "
            "have one). Leave out the samples with the most gaps, or genes measured in few samples."
        )
    first = usable[np.argsort(-spread[usable], kind="stable")]
    return complete.iloc[first[:n] if n else first], len(usable)


def _tree(rows: pd.DataFrame, distance: str, method: str, n_groups: int, weights: Floats) -> Tree:
    condensed = pdist(rows.to_numpy(), distance)
    # A row without any variation has no correlation; it is then as far from all others as an unrelated row.
    condensed = np.where(np.isfinite(condensed), np.maximum(condensed, 0), 1.0)
    links: Floats = linkage(condensed, method)
    order = leaf_order(links, weights)
    found = fcluster(links, max(1, min(n_groups, len(rows))), "maxclust")
    numbers = {group: place + 1 for place, group in enumerate(dict.fromkeys(found[order]))}
    groups = pd.Series([numbers[group] for group in found], index=rows.index, name="cluster")
    return Tree(links, order, groups, silhouette(squareform(condensed), np.asarray(groups, np.int64)))


def leaf_order(links: Floats, weights: Floats) -> Places:
    """The leaves from left to right, every branch turned so that its half of lower mean weight comes first."""
    n = len(weights)
    total, size = np.concatenate([weights, np.zeros(n - 1)]), np.concatenate([np.ones(n), links[:, 3]])
    children = links[:, :2].astype(np.intp)
    for number, (one, other) in enumerate(children):
        total[n + number] = total[one] + total[other]
    waiting, leaves = [2 * n - 2], []
    while waiting:  # no recursion: a chain of branches can be as long as there are genes
        node = waiting.pop()
        if node < n:
            leaves.append(node)
            continue
        one, other = children[node - n]
        swap = total[one] / size[one] > total[other] / size[other]
        waiting += [one, other] if swap else [other, one]
    return np.array(leaves, np.intp)


def silhouette(distances: Floats, groups: npt.NDArray[np.int64]) -> float:
    """Mean over rows of (b − a) / max(a, b): a, the mean distance within its group, b, to the nearest other group.

    distances: rows × rows. A row alone in its group counts 0. NaN for fewer than two groups.
    """
    labels = np.unique(groups)
    if len(labels) < 2:
        return float("nan")
    member = (groups[:, None] == labels).astype(np.float64)
    size = member.sum(axis=0)
    sums = distances @ member
    own = member.astype(bool)
    within = sums[own] / np.maximum(size[own.argmax(axis=1)] - 1, 1)
    nearest = np.where(own, np.inf, sums / size).min(axis=1)
    larger = np.maximum(np.maximum(within, nearest), 1e-300)
    return float(np.where(size[own.argmax(axis=1)] > 1, (nearest - within) / larger, 0.0).mean())


def adjusted_rand(first: pd.Series, second: pd.Series) -> float:
    """Agreement of two groupings, corrected for chance: 1 the same, 0 as by chance. NaN where either has one group.

    Samples that lack a group in either are left out.
    """
    counts = pd.crosstab(first, second).to_numpy(np.float64)
    if min(counts.shape) < 2:
        return float("nan")

    def pairs(number: Floats) -> float:
        return float(np.sum(number * (number - 1) / 2))

    rows, columns, total = pairs(counts.sum(axis=1)), pairs(counts.sum(axis=0)), pairs(counts.sum(keepdims=True))
    expected = rows * columns / total if total else 0.0
    most = (rows + columns) / 2
    return (pairs(counts) - expected) / (most - expected) if most > expected else float("nan")
