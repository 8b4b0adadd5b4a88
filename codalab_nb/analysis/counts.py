"""Two groups compared by their counts: what is let in, which samples, and the table to take along."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from codalab_nb.analysis.compare import LOG_WORDS, Comparison, choose_column, choose_groups
from codalab_nb.analysis.deseq import Deseq, deseq
from codalab_nb.analysis.expression import AnalysisError, ExpressionSet
from codalab_nb.analysis.limma import Moderated, design_matrix

ALIKE = 0.01  # raw totals of samples differ by more than this share
DEPTHS_APART = 10.0  # times


@dataclass(frozen=True)
class CountComparison(Comparison):
    """As a Comparison, whose `values` are log2(normalised count + 1) and whose `result` holds the table of `fit`.

    counts: genes × compared samples, without the genes of fewer than `least_count` reads (n_few) and those with a
    missing count (n_incomplete). n_unknown: samples left out because their `adjusted_for` is not known.
    """

    fit: Deseq
    counts: pd.DataFrame
    least_count: int
    n_few: int
    n_incomplete: int
    n_unknown: int

    @property
    def normalised(self) -> pd.DataFrame:
        return self.counts / self.fit.size_factors


def compare_counts(
    data: ExpressionSet,
    *,
    condition: str = "",
    treated: str = "",
    reference: str = "",
    adjust_for: str = "",
    alpha: float = 0.05,
    least_count: int = 10,
    say: Callable[[str], None] = lambda _: None,
) -> CountComparison:
    """DESeq2's test of every gene between two groups; only samples of these two are used. Raises AnalysisError.

    Genes with fewer than `least_count` reads in all these samples together are left out. With `adjust_for`, each of
    its groups (a batch, a pair) has a level of its own. `say` is told how far it is.
    """
    every = raw_counts(data)
    column = choose_column(data, condition)
    treated, reference, proposed = choose_groups(data, column, treated, reference)
    groups = data.groups(column)
    use = groups.isin([treated, reference])
    adjust = data.groups(adjust_for) if adjust_for else None
    n_unknown = 0
    if adjust is not None:
        n_unknown = int((use & adjust.isna()).sum())
        use &= adjust.notna()
        adjust = adjust[use]
    groups = groups[use]
    for level in (treated, reference):
        n = int((groups == level).sum())
        if n < 2:
            raise AnalysisError(f"Group {level!r} has {n} sample; each group needs two or more, better three.")
    design = design_matrix((groups == treated).to_numpy(), adjust)

    complete = every.loc[:, use.to_numpy()].dropna()
    counts = complete[complete.sum(axis=1) >= max(least_count, 1)]
    if len(counts) < 2:
        raise AnalysisError(
            f"Only {len(counts)} of {len(every):,} genes have {least_count} reads or more and no missing count. Lower "
            "the minimal count, or look at the file with “Check my data”."
        )
    fit = deseq(counts, design, alpha=alpha, say=say)
    factors = fit.size_factors
    return CountComparison(
        column=column,
        treated=treated,
        reference=reference,
        reference_proposed=proposed,
        adjusted_for=adjust_for,
        values=pd.DataFrame(np.log2(counts / factors + 1)),
        groups=groups,
        unit=LOG_WORDS["2"],
        value_unit="log2(normalised count + 1)",
        prepared=f"Counts were divided by size factors from {factors.min():.2f} to {factors.max():.2f}.",
        result=Moderated(fit.table, np.nan, fit.trend.prior_variance, fit.residual_df),
        fit=fit,
        counts=counts,
        least_count=least_count,
        n_few=len(complete) - len(counts),
        n_incomplete=len(every) - len(complete),
        n_unknown=n_unknown,
    )


def raw_counts(data: ExpressionSet) -> pd.DataFrame:
    """The values, of which each is a whole number of 0 or more, or missing. Raises AnalysisError for anything else."""
    if not data.is_matrix:
        raise AnalysisError("This is a general table; the test needs genes and samples.")
    if data.kind != "counts":
        kind = "linear intensities" if data.kind == "linear" else "logarithms or other continuous values"
        raise AnalysisError(
            f"These values are {kind}; this method needs raw counts, whole numbers of reads. Use “Differential "
            "expression (continuous values)”, or, if the kind was read wrong, add the data again with --kind counts."
        )
    values = data.values
    matrix = values.to_numpy()
    for wrong, what in (
        (matrix < 0, "are below zero, which a count cannot be. Take the file as it was before normalising"),
        (np.isfinite(matrix) & (matrix != np.floor(matrix)), "are no whole numbers, so these are no raw counts. "
         "Normalised values (TPM, FPKM, CPM) do not do here: take the raw counts. Estimated counts, as of Salmon or "
         "RSEM, are to be rounded first"),
    ):  # fmt: skip
        if wrong.any():
            gene, sample = (int(places[0]) for places in np.nonzero(wrong))
            example = f"{matrix[gene, sample]:g} in {values.index[gene]}, {values.columns[sample]}"
            raise AnalysisError(f"{int(wrong.sum()):,} of {matrix.size:,} values ({example}) {what}.")
    return values


def looks_normalised(counts: pd.DataFrame) -> bool:
    """Whether the totals of four or more samples are so alike as those of raw counts never are."""
    totals = counts.sum()
    return len(totals) >= 4 and float(totals.max() - totals.min()) < ALIKE * float(totals.mean())


def count_table(data: ExpressionSet, comparison: CountComparison) -> pd.DataFrame:
    """One row per gene, surest first: annotation, mean normalised counts, change, p values, direction in words.

    seen_in: number of samples with a read of it; what is seen in one sample only may look like a huge change.
    """
    table = comparison.fit.table
    change = table["difference"]
    direction = np.where(change > 0, f"higher in {comparison.treated}", f"lower in {comparison.treated}")
    columns = {"mean_count": table["mean"]}
    for level in (comparison.reference, comparison.treated):
        members = (comparison.groups == level).to_numpy()
        columns[f"mean_{level}"] = comparison.normalised.loc[:, members].mean(axis=1)
    columns |= {
        "log2_fold_change": change,
        "direction": pd.Series(np.where(change.isna() | (change == 0), "", direction), table.index),
        "standard_error": table["error"],
        "stat": table["stat"],
        "p": table["p"],
        "p_adjusted": table["p_adjusted"],
        "seen_in": (comparison.counts > 0).sum(axis=1),
        "note": pd.Series(_notes(table, comparison.fit.threshold), table.index),
    }
    whole = pd.concat([data.features.loc[table.index], pd.DataFrame(columns)], axis=1)
    return whole.sort_values(["p", "stat"], kind="stable").rename_axis(data.profile["id_column"] or "feature")


def _notes(table: pd.DataFrame, threshold: float) -> list[str]:
    return [
        "one sample decides: not judged" if outlier
        else "too few reads: not judged" if mean < threshold
        else f"{n_replaced} outlier replaced" if n_replaced == 1
        else f"{n_replaced} outliers replaced" if n_replaced
        else ""
        for outlier, mean, n_replaced in zip(table["outlier"], table["mean"], table["n_replaced"], strict=True)
    ]  # fmt: skip


def slowly(every_s: float = 1.0) -> Callable[[str], None]:
    """Writes what it is told to standard output, at most once in so many seconds, and at first only after as many."""
    last = time.monotonic()

    def say(text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= every_s:
            last = time.monotonic()
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    return say
