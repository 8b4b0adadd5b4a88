"""Which two groups are compared, on which scale, and the comparison itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from codalab_nb.analysis.expression import AnalysisError, ExpressionSet, floor_for
from codalab_nb.analysis.limma import Moderated, design_matrix, moderated_t
from codalab_nb.analysis.style import cut

LOG_WORDS = {"2": "log2 fold change", "10": "difference of log10 values", "e": "difference of natural logarithms"}


@dataclass(frozen=True)
class Comparison:
    """`treated` minus `reference`. values: genes × compared samples, on the scale on which they were compared;
    groups: the group of each of these samples; unit: what a difference is measured in."""

    column: str
    treated: str
    reference: str
    reference_proposed: bool
    adjusted_for: str
    values: pd.DataFrame
    groups: pd.Series
    unit: str
    value_unit: str
    prepared: str
    result: Moderated

    @property
    def sizes(self) -> str:
        """`11 AML, 27 ALL`"""
        return ", ".join(f"{int((self.groups == level).sum())} {level}" for level in (self.treated, self.reference))

    @property
    def short_sizes(self) -> str:
        """`sizes` with names that fit into a figure."""
        return ", ".join(f"{int((self.groups == one).sum())} {cut(one, 20)}" for one in (self.treated, self.reference))

    @property
    def short_treated(self) -> str:
        return cut(self.treated, 20)

    @property
    def short_reference(self) -> str:
        return cut(self.reference, 20)


def choose_column(data: ExpressionSet, column: str = "") -> str:
    """The named column, or the one whose role is condition. Raises AnalysisError."""
    name = column or data.column_with_role("condition")
    if not name:
        raise AnalysisError(
            "It is not known which group each sample belongs to. Add a sample table: dataset add … --samples FILE."
        )
    data.groups(name)
    return name


def choose_groups(data: ExpressionSet, column: str, treated: str = "", reference: str = "") -> tuple[str, str, bool]:
    """(treated, reference, whether the reference is only proposed). Raises AnalysisError if a choice is open or "
    "wrong."""
    levels = list(dict.fromkeys(data.groups(column).dropna()))
    known = data.profile["reference"]
    proposed = False
    if not reference and known and known["column"] == column:
        reference, proposed = str(known["level"]), bool(known["proposed"])
    others = [level for level in levels if level != reference]
    if not treated and len(others) == 1:
        treated = others[0]
    if not treated or not reference:
        raise AnalysisError(
            f"Say which two groups to compare: {column!r} has {', '.join(levels)}. Set `treated` and `reference`."
        )
    for level in (treated, reference):
        if level not in levels:
            raise AnalysisError(f"There is no group {level!r} in {column!r}. Groups: {', '.join(levels)}.")
    if treated == reference:
        raise AnalysisError(f"`treated` and `reference` are both {treated!r}; choose two different groups.")
    return treated, reference, proposed


def to_log(data: ExpressionSet, floor: float, log_base: str) -> tuple[pd.DataFrame, str, str, str]:
    """Values to compare, unit of a difference, unit of a value, what was done. Raises AnalysisError for counts.

    Linear intensities become log2(max(x, floor)). Logarithms stay: only base 2 makes a difference a log2 fold change.
    """
    if data.kind == "counts":
        raise AnalysisError(
            "These are counts. Their scatter depends on their size, which this test does not allow for; use a "
            "method for counts."
        )
    if data.kind == "linear":
        floor = floor_for(data, floor)
        if float((data.values.max(axis=1) <= floor).mean()) > 0.5:
            raise AnalysisError(
                f"More than half of the genes do not vary: none of their values is above the floor of {floor:g}. Set a "
                "lower `floor`, or leave the genes that are expressed in no sample out of the file."
            )
        low = float((data.values < floor).to_numpy().mean())
        raised = f"values under {floor:g} were raised to {floor:g} ({low:.1%} of all values)"
        done = f"Intensities were taken as log2; before, {raised}."
        return pd.DataFrame(np.log2(data.values.clip(lower=floor))), LOG_WORDS["2"], "log2 intensity", done
    unit = LOG_WORDS.get(log_base, "difference, in the units of the file")
    value_unit = {"2": "log2 value", "10": "log10 value", "e": "natural logarithm"}.get(
        log_base, "value, as in the file"
    )
    note = "" if log_base in LOG_WORDS else " Which logarithm it is was not stated, so differences are no fold changes."
    return data.values, unit, value_unit, "The values were compared as they stand in the file." + note


def compare(
    data: ExpressionSet,
    *,
    condition: str = "",
    treated: str = "",
    reference: str = "",
    adjust_for: str = "",
    floor: float = 20.0,
    log_base: str = "unknown",
) -> Comparison:
    """Moderated t test of every gene between two groups; only samples of these two are used. Raises AnalysisError."""
    if not data.is_matrix:
        raise AnalysisError("This is a general table; the test needs genes and samples.")
    values, unit, value_unit, prepared = to_log(data, floor, log_base)
    column = choose_column(data, condition)
    treated, reference, proposed = choose_groups(data, column, treated, reference)
    groups = data.groups(column)
    use = groups.isin([treated, reference])
    adjust = data.groups(adjust_for) if adjust_for else None
    if adjust is not None:
        use &= adjust.notna()
    groups = groups[use]
    for level in (treated, reference):
        n = int((groups == level).sum())
        if n < 2:
            raise AnalysisError(f"Group {level!r} has {n} sample; each group needs two or more, better three.")
    design = design_matrix((groups == treated).to_numpy(), adjust[use] if adjust is not None else None)
    used = values.loc[:, use.to_numpy()]
    return Comparison(
        column,
        treated,
        reference,
        proposed,
        adjust_for,
        used,
        groups,
        unit,
        value_unit,
        prepared,
        moderated_t(used, design),
    )


def gene_table(data: ExpressionSet, comparison: Comparison) -> pd.DataFrame:
    """One row per gene, surest first: annotation, means, difference, p values, and the direction in words."""
    table = comparison.result.table
    means = {
        f"mean_{level}": comparison.values.loc[:, (comparison.groups == level).to_numpy()].mean(axis=1)
        for level in (comparison.reference, comparison.treated)
    }
    direction = np.where(table["difference"] > 0, f"higher in {comparison.treated}", f"lower in {comparison.treated}")
    difference = "log2_fold_change" if comparison.unit == LOG_WORDS["2"] else "difference"
    columns = {
        **{f"mean_{level}": means[f"mean_{level}"] for level in (comparison.reference, comparison.treated)},
        difference: table["difference"],
        "direction": np.where(table["difference"].isna() | (table["difference"] == 0), "", direction),
        "t": table["t"],
        "p": table["p"],
        "p_adjusted": table["p_adjusted"],
        "n": table["n"],
    }
    whole = pd.concat([data.features, pd.DataFrame(columns, index=table.index)], axis=1)
    return whole.sort_values(["p", "t"], kind="stable").rename_axis(data.profile["id_column"] or "feature")
