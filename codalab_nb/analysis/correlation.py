"""Which genes go together: all pairs of the most variable genes, or one gene with all others.

Pearson's r, or Spearman's on ranks; p from t = r √(df / (1 − r²)). Within groups, each group's mean is taken off first,
which costs a degree of freedom per group: what remains is no mere difference between the groups.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from codalab_nb.analysis.expression import AnalysisError, ExpressionSet
from codalab_nb.analysis.limma import benjamini_hochberg

Floats = npt.NDArray[np.float64]
FEWEST = 8  # samples that both genes need; with fewer, r is mostly chance
METHODS = ("pearson", "spearman")


@dataclass(frozen=True)
class Network:
    """edges: one row per pair that passes, strongest first: gene_1, gene_2, r, p, p_adjusted, n, and r_within, the
    correlation within the groups, if those are known. coefficients: r of every pair tested, in no order. genes: the
    names of the genes used. df: degrees of freedom where no value is missing."""

    edges: pd.DataFrame
    coefficients: Floats
    genes: list[str]
    min_r: float
    q: float
    method: str
    within: str
    df: int


@dataclass(frozen=True)
class Partners:
    """table: one row per other gene, strongest first: r, lower and upper (95 % confidence), p, p_adjusted, n, and
    r_within where groups are known. others: rows that are called the same as the seed, which were not used."""

    seed: str
    others: list[str]
    table: pd.DataFrame
    min_r: float
    q: float
    method: str
    within: str
    df: int

    @property
    def found(self) -> pd.DataFrame:
        """The genes that pass, strongest first."""
        return self.table[(self.table["r"].abs() > self.min_r) & (self.table["p_adjusted"] < self.q)]


def correlation_network(
    values: pd.DataFrame,
    *,
    top_genes: int = 300,
    min_r: float = 0.8,
    q: float = 0.01,
    method: str = "pearson",
    within: pd.Series | None = None,
    groups: pd.Series | None = None,
) -> Network:
    """All pairs of the `top_genes` most variable rows of `values` (genes × samples).

    A pair passes with abs(r) > min_r and a BH-adjusted p (over all pairs) < q. `within`: correlate inside these groups
    only; `groups`: also report what is left of each passing pair inside these. Raises AnalysisError.
    """
    values, within, groups = _usable(values, within, groups)
    spread = values.std(axis=1).to_numpy()
    chosen = values.iloc[np.sort(np.argsort(-spread, kind="stable")[:top_genes])]
    matrix, lost = _prepared(chosen, method, within)
    r, n = _pairwise(matrix, matrix)
    first, second = np.triu_indices(len(matrix), 1)
    r, n = r[first, second], n[first, second]
    p = p_values(r, n - 1 - lost)
    adjusted = benjamini_hochberg(p)
    passing = np.flatnonzero((np.abs(r) > min_r) & (adjusted < q))
    passing = passing[np.argsort(-np.abs(r[passing]), kind="stable")]
    names = list(map(str, chosen.index))
    edges = pd.DataFrame(
        {
            "gene_1": [names[place] for place in first[passing]],
            "gene_2": [names[place] for place in second[passing]],
            "r": r[passing],
            "p": p[passing],
            "p_adjusted": adjusted[passing],
            "n": n[passing].astype(int),
        }
    )
    if groups is not None and within is None:
        inside, _ = _prepared(chosen, method, groups)
        edges["r_within"] = _pairwise(inside, inside)[0][first[passing], second[passing]]
    known = r[np.isfinite(r)]
    name = str(within.name) if within is not None else ""
    return Network(edges, known, names, min_r, q, method, name, values.shape[1] - 1 - lost)


def correlated_with(
    values: pd.DataFrame,
    seed: str,
    *,
    others: list[str] | None = None,
    min_r: float = 0.8,
    q: float = 0.01,
    method: str = "pearson",
    within: pd.Series | None = None,
    groups: pd.Series | None = None,
) -> Partners:
    """The row `seed` with every other row; limits as for the network, adjusted over all other rows.

    Raises AnalysisError where the seed does not vary or has too few values.
    """
    values, within, groups = _usable(values, within, groups)
    if seed not in values.index:
        raise AnalysisError(f"{seed!r} does not vary or has fewer than {FEWEST} values, so nothing can go with it.")
    matrix, lost = _prepared(values, method, within)
    place = int(np.flatnonzero(values.index == seed)[0])
    r, n = (one[0] for one in _pairwise(matrix[[place]], matrix))
    p = p_values(r, n - 1 - lost)
    p[place] = np.nan
    half = 1.96 / np.sqrt(np.maximum(n - 2 - lost, 1))  # Fisher's z; for ranks a usual approximation
    with np.errstate(divide="ignore"):
        z = np.arctanh(np.clip(r, -1, 1))
    columns = {"r": r, "lower": np.tanh(z - half), "upper": np.tanh(z + half), "p": p}
    columns |= {"p_adjusted": benjamini_hochberg(p), "n": n.astype(int)}
    if groups is not None and within is None:
        inside, _ = _prepared(values, method, groups)
        columns["r_within"] = _pairwise(inside[[place]], inside)[0][0]
    table = pd.DataFrame(columns, index=values.index).drop(index=seed)
    table = table.loc[table["p"].notna()]
    table = table.iloc[np.argsort(-table["r"].abs().to_numpy(), kind="stable")]
    name = str(within.name) if within is not None else ""
    return Partners(seed, others or [], table, min_r, q, method, name, values.shape[1] - 1 - lost)


def find_gene(data: ExpressionSet, wanted: str) -> tuple[str, list[str]]:
    """The row meant by an id, a symbol or a word of the description, and further rows of that name.

    Among several, the one that varies most. Raises AnalysisError with what is close when there is none.
    """
    word = wanted.strip().casefold()
    ids = data.values.index
    if wanted.strip() in ids:
        return wanted.strip(), []
    exact = [name for name in ids if str(name).casefold() == word]
    texts = [data.features[column].map(lambda value: str(value).casefold()) for column in data.features.columns]
    if not exact:
        exact = list(dict.fromkeys(name for text in texts for name in ids[(text == word).to_numpy()]))
    if not exact:
        whole = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
        hits = [text.map(lambda value: bool(whole.search(value))).to_numpy() for text in texts]
        exact = list(dict.fromkeys(name for hit in hits for name in ids[hit]))
    if not exact:
        known = [str(name) for name in ids] + [text for one in texts for text in one.unique()]
        close = difflib.get_close_matches(wanted.strip(), known, n=3, cutoff=0.7)
        close += difflib.get_close_matches(word, known, n=3 - len(close), cutoff=0.7) if len(close) < 3 else []
        hint = f" Close to it: {', '.join(close)}." if close else " Give its id, as in the first column of the file."
        raise AnalysisError(f"No gene is called {wanted.strip()!r} in this data set.{hint}")
    spread = data.values.loc[exact].std(axis=1).fillna(0).to_numpy()
    order = np.argsort(-spread, kind="stable")
    return str(exact[order[0]]), [str(exact[place]) for place in order[1:]]


def p_values(r: Floats, df: Floats) -> Floats:
    """Two-sided p of correlations; NaN where r is unknown or no degree of freedom is left."""
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.abs(r) * np.sqrt(np.maximum(df, 0) / np.maximum(1 - r**2, 0))
    return np.where(np.isfinite(r) & (df > 0), 2 * stats.t.sf(t, np.maximum(df, 1)), np.nan)


def _usable(
    values: pd.DataFrame, within: pd.Series | None, groups: pd.Series | None
) -> tuple[pd.DataFrame, pd.Series | None, pd.Series | None]:
    """Samples whose group is known where that matters, and rows that vary and have enough values there."""
    within, groups = (one.reindex(values.columns) if one is not None else None for one in (within, groups))
    if within is not None:
        known = within.notna().to_numpy()
        values, within = values.loc[:, known], within[known]
        groups = None
    if groups is not None and (groups.isna().any() or groups.nunique() < 2):
        groups = None
    if values.shape[1] < FEWEST:
        raise AnalysisError(f"Correlations need {FEWEST} samples or more, better 15; there are {values.shape[1]}.")
    matrix = values.to_numpy(np.float64)
    n = np.isfinite(matrix).sum(axis=1)
    low = np.where(np.isfinite(matrix), matrix, np.inf).min(axis=1)
    high = np.where(np.isfinite(matrix), matrix, -np.inf).max(axis=1)
    usable = values.loc[(n >= FEWEST) & (high > low)]
    if len(usable) < 2:
        raise AnalysisError(f"Fewer than two genes vary and have {FEWEST} values or more, so there is no pair.")
    return usable, within, groups


def _prepared(values: pd.DataFrame, method: str, within: pd.Series | None) -> tuple[Floats, int]:
    """Centred values or ranks (missing ones stay so), and the degrees of freedom that the centring took beyond 1."""
    if method not in METHODS:
        raise AnalysisError(f"Known correlations: {', '.join(METHODS)}.")
    table = values.rank(axis=1) if method == "spearman" else values
    matrix = table.to_numpy(np.float64)
    if within is None:
        return matrix - np.nanmean(matrix, axis=1, keepdims=True), 1
    member = pd.get_dummies(within).to_numpy(np.float64)
    present = np.isfinite(matrix)
    means = (np.where(present, matrix, 0.0) @ member) / np.maximum(present @ member, 1)
    if values.shape[1] - 1 - member.shape[1] < 3:
        raise AnalysisError(f"{within.name!r} has too many groups for {values.shape[1]} samples to look within them.")
    return matrix - means @ member.T, member.shape[1]


def _pairwise(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """r of each row of `one` with each row of `other` over the samples that both have, and how many these are.

    NaN where fewer than FEWEST samples are shared, or a row does not vary there.
    """
    a, b = np.nan_to_num(one), np.nan_to_num(other)
    here, there = np.isfinite(one).astype(np.float64), np.isfinite(other).astype(np.float64)
    n = here @ there.T
    sum_a, sum_b = a @ there.T, here @ b.T
    safe = np.maximum(n, 1)
    square_a = (a**2) @ there.T - sum_a**2 / safe
    square_b = here @ (b**2).T - sum_b**2 / safe
    cross = a @ b.T - sum_a * sum_b / safe
    # What rounding leaves of a row that does not vary must not become a correlation.
    noise_a = 1e-12 * (a**2).sum(axis=1)[:, None]
    noise_b = 1e-12 * (b**2).sum(axis=1)[None, :]
    flat = (square_a <= noise_a) | (square_b <= noise_b) | (n < FEWEST)
    r = cross / np.sqrt(np.where(flat, 1.0, square_a * square_b))
    return np.where(flat, np.nan, np.clip(r, -1.0, 1.0)), n
