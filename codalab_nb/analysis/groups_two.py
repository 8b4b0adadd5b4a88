"""Two factors at once: what each does, and whether the one works differently under the other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from codalab_nb.analysis.expression import AnalysisError
from codalab_nb.analysis.groups_tests import Floats, bonferroni
from codalab_nb.analysis.variables import natural_order


@dataclass(frozen=True)
class TwoFactors:
    """values, first_groups, second_groups: the values used and where each belongs. terms: one row per factor and for
    the interaction (df, F, p, partial η²), sums of squares of type II. pairs: groups of the first factor compared
    within each level of the second (one scatter for all; p and intervals by Bonferroni)."""

    second: str
    second_levels: list[str]
    values: Floats
    first_groups: npt.NDArray[np.object_]
    second_groups: npt.NDArray[np.object_]
    terms: pd.DataFrame
    residual_df: int
    pairs: pd.DataFrame

    def cells(self) -> list[Floats]:
        """The values of each combination of the two factors."""
        places = pd.DataFrame({"a": self.first_groups, "b": self.second_groups}).groupby(["a", "b"]).indices
        return [self.values[rows] for rows in places.values()]

    @property
    def first_p(self) -> float:
        return float(self.terms["p"].iloc[0])

    @property
    def interaction_p(self) -> float:
        return float(self.terms["p"].iloc[2])


def two_factors(values: Floats, first: pd.Series, second: pd.Series, levels: Sequence[str]) -> TwoFactors:
    """Two-way analysis of variance, each factor after the other (type II: Langsrud O (2003) Stat Comput 13:163).

    Raises AnalysisError where a combination has no value, or every combination has one value only.
    """
    name = str(second.name)
    known = second.notna().to_numpy()
    values, first, second = values[known], first[known], second[known]
    others = natural_order(dict.fromkeys(second))
    if len(others) < 2:
        raise AnalysisError(f"{name!r} has only one group among the values compared; leave the second factor away.")
    sizes = pd.crosstab(first.to_numpy(), second.to_numpy()).reindex(index=list(levels), columns=others).fillna(0)
    empty = [f"{a} with {b}" for a in levels for b in others if sizes.loc[a, b] == 0]
    if empty:
        raise AnalysisError(
            f"No value for {', '.join(empty[:4])}{', …' if len(empty) > 4 else ''}: the two factors cannot be told "
            "apart there. Leave the second factor away, or leave those groups out."
        )
    df = len(values) - len(levels) * len(others)
    if df < 1:
        raise AnalysisError(f"Every combination with {name!r} has one value only; two factors need repeats.")
    one, two = (_dummies(column, order) for column, order in ((first, levels), (second, others)))
    both = np.hstack([one, two])
    crossed = np.hstack([both, *(one[:, [a]] * two for a in range(one.shape[1]))])
    full = _rss(values, crossed)
    additive = _rss(values, both)
    scatter = full / df
    rows = []
    for term, lost, freedom in (
        (str(first.name), _rss(values, two) - additive, one.shape[1]),
        (name, _rss(values, one) - additive, two.shape[1]),
        (f"{first.name} × {name}", additive - full, one.shape[1] * two.shape[1]),
    ):
        lost = max(0.0, lost)
        f = lost / freedom / scatter if scatter > 0 else (np.inf if lost > 1e-300 else 0.0)
        share = lost / (lost + full) if lost + full > 0 else 0.0
        rows.append(
            {"term": term, "df": freedom, "F": f, "p": float(stats.f.sf(f, freedom, df)), "partial_eta2": share}
        )
    pairs = _simple_effects(values, first, second, levels, others, scatter, df)
    return TwoFactors(
        name,
        others,
        values,
        first.to_numpy(object),
        second.to_numpy(object),
        pd.DataFrame(rows).set_index("term"),
        df,
        pairs,
    )


def _simple_effects(
    values: Floats,
    first: pd.Series,
    second: pd.Series,
    levels: Sequence[str],
    others: Sequence[str],
    scatter: float,
    df: int,
) -> pd.DataFrame:
    rows = []
    for other, (a, b) in itertools.product(others, itertools.combinations(levels, 2)):
        here = (second == other).to_numpy()
        low, high = (values[here & (first == level).to_numpy()] for level in (a, b))
        difference = float(high.mean() - low.mean())
        scale = float(np.sqrt(scatter * (1 / len(low) + 1 / len(high))))
        rows.append((other, b, a, difference, scale))
    reach = float(stats.t.ppf(1 - 0.025 / len(rows), df))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.array([row[3] for row in rows]) / np.array([row[4] for row in rows])
    p = bonferroni(2 * stats.t.sf(np.abs(np.nan_to_num(t, nan=0.0)), df))
    return pd.DataFrame(
        [
            {
                str(second.name): other,
                "group": b,
                "compared_with": a,
                "difference": difference,
                "low_95": difference - reach * scale,
                "high_95": difference + reach * scale,
                "p_adjusted": float(one),
                "direction": f"{'higher' if difference > 0 else 'lower'} in {b} than in {a}",
            }
            for (other, b, a, difference, scale), one in zip(rows, p, strict=True)
        ]
    )


def _dummies(groups: pd.Series, levels: Sequence[str]) -> Floats:
    return np.column_stack([(groups == level).to_numpy(np.float64) for level in levels[1:]])


def _rss(values: Floats, columns: npt.NDArray[np.float64]) -> float:
    """Residual sum of squares of the values on an intercept and these columns."""
    design = np.column_stack([np.ones(len(values)), columns])
    fitted = design @ np.linalg.lstsq(design, values, rcond=None)[0]
    return float(((values - fitted) ** 2).sum())
