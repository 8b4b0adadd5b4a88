"""Conclusions in plain words, as Markdown: what was found, what it means, what it does not mean, how it was done."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from codalab_nb.analysis import cautions
from codalab_nb.analysis.compare import Comparison
from codalab_nb.analysis.expression import FLOOR, ExpressionSet, usual_floor
from codalab_nb.analysis.markdown import safe as safe
from codalab_nb.analysis.pca import Components
from codalab_nb.analysis.qc import empty_samples
from codalab_nb.analysis.style import group_sizes, missing_warning

_EXAMPLES = {
    "golub_leukemia": "Golub 1999, leukemia",
    "bladder_batch": "Dyrskjøt 2004, bladder cancer",
    "leukemia_armstrong": "Armstrong 2002, leukemia",
    "made_up_dose": "made up, not an experiment",
    "made_up_survival": "made up, not a study",
}


def introduction(data: ExpressionSet) -> str:
    """Which data, and whether they are only the example."""
    size = f"{data.values.shape[0]:,} {data.feature_word} × {data.values.shape[1]:,} {data.sample_word}"
    if not data.is_matrix:
        size = f"{len(data.samples):,} rows × {data.samples.shape[1]} columns"
    text = f"**Data:** {safe(data.name)}, {size}."
    floor = usual_floor(data)
    if floor != FLOOR:
        text += (
            f" They look like TPM or FPKM, so the floor is {floor:g} instead of {FLOOR:g} where it was left at its "
            "default."
        )
    if data.is_example:
        text = (
            f"> **This is example data** ({_EXAMPLES.get(data.name, safe(data.name))}), because there is no data set "
            "at the given path. "
            "Nothing here is about your own samples.\n\n" + text
        )
    return text


def direction(comparison: Comparison) -> str:
    """Which groups are compared, which way is up, and where the reference comes from."""
    treated, reference = safe(comparison.treated), safe(comparison.reference)
    text = (
        f"**Up = higher in {treated} than in {reference}** (column {safe(comparison.column)}; "
        f"{safe(comparison.sizes)})."
    )
    if comparison.reference_proposed:
        text += f" {reference} is the reference by proposal only; set `reference` to decide it."
    return f"{text} {safe(comparison.prepared)}"


def comparison_words(data: ExpressionSet, comparison: Comparison, alpha: float, labels: pd.Series) -> str:
    """Result of a two-group comparison: answer, meaning, limits, methods."""
    table = comparison.result.table
    known = table.dropna(subset=["p"])
    found = known[known["p_adjusted"] < alpha]
    treated, reference = safe(comparison.treated), safe(comparison.reference)
    n_up = int((found["difference"] > 0).sum())
    lines = ["## What was found", ""]
    if len(found):
        best = found.nsmallest(5, "p")
        names = ", ".join(
            f"{safe(str(labels.loc[[gene]].iloc[0]))} ({'higher' if up else 'lower'} in {treated})"
            for gene, up in zip(best.index, best["difference"] > 0, strict=True)
        )
        lines.append(
            f"**{len(found):,} of {len(known):,} genes differ between {treated} and {reference}**: {n_up:,} are "
            f"higher and "
            f"{len(found) - n_up:,} lower in {treated} than in {reference}. The surest: {names}."
        )
    else:
        lines.append(
            f"**No gene differs clearly enough between {treated} and {reference}** to rule out chance, out of "
            f"{len(known):,} tested. "
            f"The smallest adjusted p is {known['p_adjusted'].min():.2g}. With few samples, real differences can "
            f"stay hidden."
        )
    empty = empty_samples(data)
    if empty:
        lines += ["", f"* {_nothing_measured(data, empty)} The numbers of samples named here count them, too."]
    lines += ["", *(f"* {text}" for text in [*_doubtful_zeros(data), *cautions.of_comparison(data, comparison)])]
    lines += ["", "## What this means, and what it does not", ""]
    lines += [f"* Up means higher in {treated} than in {reference}."]
    if comparison.reference_proposed:
        lines.append(
            f"* **{reference} as the reference was proposed, not confirmed.** Set `reference` to turn the "
            f"direction round."
        )
    if len(found):
        lines.append(
            f"* About {alpha:.0%} of the genes in the list may be there by chance ({round(alpha * len(found)):,} "
            f"of {len(found):,})."
        )
    lines += [
        "* A small p says that a difference is hardly chance. It does not say that the difference is large, or "
        "that it matters.",
        "* If the groups also differ in something else (age, sex, day, laboratory), the difference may come from that.",
    ]
    untested = len(table) - len(known)
    if untested:
        lines.append(f"* {untested:,} genes could not be tested: too few values in one of the groups.")
    result = comparison.result
    adjusted = f", adjusted for {safe(comparison.adjusted_for)}" if comparison.adjusted_for else ""
    prior = f"{result.prior_df:.2f}" if result.prior_df < 1e6 else "infinitely many"
    lines += [
        "",
        "## Methods paragraph",
        "",
        f"{safe(comparison.prepared)} A linear model was fitted to each gene ({safe(comparison.sizes)}{adjusted}) and "
        f"moderated t statistics were "
        f"computed by the empirical Bayes method of Smyth (2004), doi:10.2202/1544-6115.1027 (prior degrees of "
        f"freedom {prior}, prior variance "
        f"{result.prior_variance:.4g}, residual degrees of freedom {result.residual_df}). P values were adjusted "
        f"by Benjamini and Hochberg "
        f"(1995); genes with an adjusted p below {alpha:g} are reported.",
    ]
    return "\n".join(lines)


def component_words(
    data: ExpressionSet, components: Components, groups: pd.Series | None, explained: pd.DataFrame, scale: str
) -> str:
    """Result of a PCA: answer, what else goes with the components, meaning, limits, methods.

    explained: one row per column of the sample table, as `pca.explained_by` gives it.
    """
    share = components.share
    lines = [
        "## What was found",
        "",
        f"The first two components hold {share[0]:.1%} and {share[1]:.1%} of all variation.",
    ]
    shown = str(groups.name) if groups is not None else ""
    if groups is not None and shown in explained.index:
        best = _strongest(explained, shown, share)
        part = float(explained[best].to_dict()[shown])
        lines.append(
            f"{part:.0%} of {best} goes with {safe(repr(shown))} "
            f"({safe(group_sizes(groups))}). " + _strength(part, share[int(best[2:]) - 1])
        )
    others = []
    for name in explained.index.drop(shown, errors="ignore"):
        best = _strongest(explained, name, share)
        if explained.loc[name, best] > max(0.2, 2 * explained.loc[name, "by_chance"]):
            others.append(f"{safe(str(name))} ({explained.loc[name, best]:.0%} of {best})")
    if others:
        lines.append(f"\n**Also goes with the components**: {', '.join(others[:5])}. Colour by it and look.")
    gaps = missing_warning(components.n_left_out, components.n_total)
    lines += [f"\n{text}" for text in [*([gaps] if gaps else []), *_doubtful_zeros(data)]]
    if shown:
        lines += [f"\n{text}" for text in cautions.of_groups(data, shown)]
    lines += [
        "",
        "## What this means, and what it does not",
        "",
        "* Samples that lie close together have similar values in many genes; distances along PC1 weigh most.",
        "* The components were found without looking at the groups. That groups separate is therefore no "
        "artefact of the colouring.",
        "* A separation may as well come from a batch, from sex or from sample quality: colour by those columns too.",
        "* This map tests nothing. Which genes differ is answered by a differential expression method.",
        "",
        "## Methods paragraph",
        "",
        f"Principal components of the samples were computed from {components.n_genes:,} genes ({scale}) after "
        f"centring each gene"
        + (f"; {components.n_left_out:,} genes with missing values were left out" if components.n_left_out else "")
        + ". R² is the share of the scatter of a component that lies between the groups (one-way analysis of "
        "variance).",
    ]
    return "\n".join(lines)


def quality_words(data: ExpressionSet, odd: Sequence[str], twins: Sequence[tuple[str, str]], constant: int) -> str:
    """Result of the check: how the file was read, what to look at, what the check cannot see."""
    profile = data.profile
    lines = ["## What was found", ""]
    if data.is_matrix:
        sides = {
            "genes_in_rows": "genes in rows, samples in columns",
            "samples_in_rows": "samples in rows, genes in columns",
        }
        kinds = {"counts": "counts", "linear": "linear intensities", "log": "logarithms or other continuous values"}
        lines.append(
            f"* The file was read as: {sides[profile['orientation']]} ({profile['orientation_why']}); values are "
            f"{kinds[data.kind]}."
        )
    else:
        lines.append(f"* The file was read as a general table ({profile['orientation_why']}).")
    lines += [f"* {safe(note['text'])}" for note in profile.get("reading", ())]
    missing = int(data.values.isna().to_numpy().sum())
    lines.append(
        f"* {missing:,} of {data.values.size:,} measurements are missing."
        if missing
        else "* No measurement is missing."
    )
    if data.is_matrix:
        empty = empty_samples(data)
        odd = [name for name in odd if name not in empty]
        if empty:
            lines.append(f"* {_nothing_measured(data, empty)}")
        names = ", ".join(map(safe, odd[:10]))
        lines.append(
            f"* **Look at {names}**: it agrees far less with the other samples than they do with each other."
            if len(odd) == 1
            else f"* **Look at {names}**: they agree far less with the other samples than those do with each other."
            if odd
            else f"* No {'other ' if empty else ''}sample stands apart from the others."
        )
    for first, second in twins[:10]:
        lines.append(f"* **{safe(first)} and {safe(second)} have exactly the same values.** Was one file copied twice?")
    if constant:
        lines.append(
            f"* {constant:,} {data.feature_word} have one and the same value everywhere; they cannot differ "
            f"between groups."
        )
    for note in profile["warnings"]:
        if note["code"] in ("missing_values", "outlier_sample", "identical_samples"):  # said above
            continue
        lines.append(f"* {safe(note['text'])}")
    for column in profile["columns"]:
        if column["role"] and column["role_proposed"]:
            text = f"Column {column['name']!r} is taken as {column['role']}, which nobody has confirmed yet."
            lines.append(f"* {safe(text)}")
    lines += [
        "",
        "## What this means, and what it does not",
        "",
        "* If the number of samples or the groups are wrong here, everything after this is wrong: correct the "
        "file first.",
    ]
    if data.is_matrix:
        lines += [
            "* A sample that stands apart may be damaged, mixed up, or truly different. Leave it out only for a "
            "reason you would write down.",
            "* Samples on different levels must be normalised before they are compared.",
            "* The check cannot see swapped labels between similar samples, nor a batch that coincides with the "
            "groups.",
        ]
    return "\n".join(lines)


def _doubtful_zeros(data: ExpressionSet) -> list[str]:
    """That 0 may mean “not measured”, where the file was found to look like that."""
    return [
        f"**Warning:** {safe(note['text'])}"
        for note in data.profile["warnings"]
        if note["code"] == "zeros_not_measured"
    ]


def _nothing_measured(data: ExpressionSet, empty: Sequence[str]) -> str:
    names = ", ".join(map(safe, empty[:10])) + (f" and {len(empty) - 10} more" if len(empty) > 10 else "")
    one = len(empty) == 1
    text = f"**Nothing was measured in {names}**: all {'its' if one else 'their'} values are missing"
    text += " or 0" if data.kind in ("counts", "linear") else ""
    condition = data.column_with_role("condition")
    if condition:
        groups = data.groups(condition)
        filled = groups[~groups.index.astype(str).isin(list(empty))]
        text += f", which leaves {safe(group_sizes(filled))}"
    return f"{text}. Leave {'it' if one else 'them'} out of the file, or find out what went wrong."


def _strongest(explained: pd.DataFrame, column: str, share: npt.NDArray[np.float64]) -> str:
    """The component of which the column explains most, counted by how much the component holds."""
    parts = explained.loc[column].drop(["groups", "by_chance"]).to_numpy(np.float64)
    return f"PC{int(np.argmax(parts * share)) + 1}"


def _strength(explained: float, share: float) -> str:
    if explained >= 0.5:
        return (
            "The groups are a main reason why the samples differ."
            if share >= 0.1
            else "The groups differ, but in a small part of all variation."
        )
    return "Other things than the groups make most of the difference between the samples."
