"""A clustered heat map in plain words, as Markdown, and its tables."""

from __future__ import annotations

import pandas as pd

from codalab_nb.analysis.clustering import Clustering, adjusted_rand
from codalab_nb.analysis.expression import ExpressionSet
from codalab_nb.analysis.heat_map import NAMED
from codalab_nb.analysis.style import missing_warning
from codalab_nb.analysis.words import safe


def gene_order(data: ExpressionSet, found: Clustering, condition: pd.Series | None) -> pd.DataFrame:
    """The genes from top to bottom: name, group, standard deviation, mean z-score in each group of the condition."""
    names = found.values.index[found.genes.order]
    table = pd.DataFrame({"name": data.labels().loc[names], "gene_group": found.genes.groups.loc[names]}, index=names)
    table["standard_deviation"] = found.values.loc[names].std(axis=1)
    if condition is not None:
        for level in list(dict.fromkeys(condition.dropna()))[:12]:
            table[f"mean_z_{level}"] = found.standard.loc[names, (condition == level).to_numpy()].mean(axis=1)
    return table.rename_axis(data.profile["id_column"] or "feature")


def sample_order(found: Clustering, known: list[pd.Series]) -> pd.DataFrame:
    """The samples from left to right: the group cut from the tree, and what is known about them."""
    names = found.values.columns[found.samples.order]
    table = pd.DataFrame({"cluster": found.samples.groups.to_numpy()[found.samples.order]}, index=names)
    for grouping in known:
        table[str(grouping.name)] = grouping.to_numpy()[found.samples.order]
    return table.rename_axis("sample")


def heat_map_words(found: Clustering, known: list[pd.Series], scale: str, z_score: bool) -> str:
    """Result of the clustering: answer, meaning, limits, methods."""
    groups = found.samples.groups
    sizes = groups.value_counts().sort_index()
    listed = ", ".join(f"{number}: {n}" for number, n in sizes.items())
    lines = [
        "## What was found",
        "",
        f"* Cut into {len(sizes)} groups, the tree of the samples gives (samples) {listed}.",
    ]
    for grouping in known:
        agreement = adjusted_rand(groups, grouping)
        if agreement == agreement:
            lines.append(f"* {_agrees(agreement, grouping)}{_composition(groups, grouping)}")
    if found.lone:
        lines.append(_alone(found, known))
    gaps = missing_warning(found.n_incomplete, found.n_genes + found.n_left_out)
    if gaps:
        lines.append(f"* {gaps}")
    lines += ["", "## What this means, and what it does not", ""]
    lines += [
        "* Samples joined low in the tree are alike; the longer the branches between two, the less alike they are. "
        "Left "
        "and right of a branch mean nothing.",
        "* **A tree always gives groups, also where there are none.** That the groups are those of the condition "
        "counts, "
        "because the tree was made without looking at it. Groups that nothing known explains are a question, no "
        "result.",
        f"* How far apart the groups are, on a scale from −1 to 1 (silhouette): {found.samples.silhouette:.2f}. "
        + _separated(found.samples.silhouette),
        "* Another number of genes, another distance or linkage can give another tree. Trust what stays.",
        "* The genes shown vary most; that does not mean that they differ between the groups. Which genes do is "
        "answered "
        "by a differential expression method.",
    ]
    if len(found.values) > NAMED:
        lines.append(f"* With {NAMED} genes or fewer (`top_genes`), their names stand beside the rows.")
    if found.n_left_out:
        lines.append(
            f"* {found.n_left_out:,} genes were left out: they do not vary, or have missing values, with which a "
            "distance "
            "cannot be computed."
        )
    colours = "each gene's mean subtracted and divided by its standard deviation (z-score)" if z_score else safe(scale)
    distance = "1 − Pearson correlation" if found.distance == "correlation" else "Euclidean distance"
    lines += [
        "",
        "## Methods paragraph",
        "",
        f"The {len(found.values):,} genes of largest variance of {found.n_genes:,} were used ({safe(scale)}). Samples "
        "were "
        f"clustered hierarchically by these values, genes by their z-scores ({found.method} linkage, {distance}), and "
        "the "
        f"trees cut into {len(sizes)} and {found.genes.groups.nunique()} groups. Colours show {colours}. Agreement of "
        "groups is the adjusted Rand index (Hubert and Arabie 1985, doi:10.1007/BF01908075).",
    ]
    return "\n".join(lines)


def _alone(found: Clustering, known: list[pd.Series]) -> str:
    """Which samples form a group of their own, and whether the others group as what is known."""
    names = ", ".join(safe(name) for name in found.lone[:5])
    names += f" and {len(found.lone) - 5} more" if len(found.lone) > 5 else ""
    one = len(found.lone) == 1
    text = f"* **{names} {'forms a group of its own' if one else 'form groups of their own'}**: look at "
    text += f"{'it' if one else 'them'} first (check-my-data)."
    rest = found.groups_without_lone()
    still = [safe(str(name)) for name in rest.index[rest.isna()]]
    without = ", ".join(still[:5]) + (f" and {len(still) - 5} more" if len(still) > 5 else "")
    for grouping in known:
        agreement = adjusted_rand(rest, grouping)
        if agreement == agreement:
            text += f" Cut without {without}: {_agrees(agreement, grouping)}"
    return text


def _agrees(agreement: float, grouping: pd.Series) -> str:
    name = safe(repr(str(grouping.name)))
    how = (
        "are" if agreement > 0.95 else "are nearly" if agreement >= 0.75 else "are in part" if agreement >= 0.2 else ""
    )
    scale = f"(adjusted Rand index {agreement:.2f}; 1 is the same, 0 is chance)"
    return f"**These {how} the groups of {name}** {scale}." if how else f"These are not the groups of {name} {scale}."


def _composition(groups: pd.Series, grouping: pd.Series) -> str:
    """` Group 1: 11 AML, 1 ALL; group 2: …`, for few groups."""
    crossed = pd.crosstab(groups, grouping)
    if crossed.shape[0] > 6 or crossed.shape[1] > 6:
        return ""
    parts = []
    for number, row in crossed.iterrows():
        held = ", ".join(f"{n} {name}" for name, n in row.sort_values(ascending=False, kind="stable").items() if n)
        parts.append(f"group {number}: {safe(held) or 'none known'}")
    return f" In {'; in '.join(parts)}."


def _separated(silhouette: float) -> str:
    if silhouette >= 0.5:
        return "They are well separated."
    return "They are somewhat separated." if silhouette >= 0.25 else "They are hardly separated."
